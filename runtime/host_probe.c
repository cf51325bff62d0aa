#include "runtime/host_probe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/magic.h>
#include <linux/sockios.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "runtime/host_interface.h"
#include "runtime/io_xsk.h"

static struct finding *add(struct findings *f, enum finding_grade grade, const char *subject,
			   const char *format, ...) __attribute__((format(printf, 4, 5)));

static struct finding *add(struct findings *f, enum finding_grade grade, const char *subject,
			   const char *format, ...)
{
	static struct finding spill;
	struct finding *it = f->count < FINDINGS_MAX ? &f->list[f->count++] : &spill;
	va_list args;

	it->grade = grade;
	it->subject = subject;
	it->advice[0] = '\0';
	va_start(args, format);
	vsnprintf(it->value, sizeof it->value, format, args);
	va_end(args);
	return it;
}

static void advise(struct finding *finding, const char *advice)
{
	snprintf(finding->advice, sizeof finding->advice, "%s", advice);
}

static void probe_kernel(struct findings *f)
{
	struct utsname host = {0};
	unsigned major = 0, minor = 0;
	bool enough;

	uname(&host);
	sscanf(host.release, "%u.%u", &major, &minor);
	enough = major > 5 || (major == 5 && minor >= 14);
	struct finding *it =
	    add(f, enough ? FINDING_GOOD : FINDING_BAD, "kernel", "%s", host.release);

	if (!enough)
		advise(it, "Linux 5.14 or later is needed: SEC(\"syscall\") programs and bpf_link "
			   "for XDP");
	else if (major < 6 || (major == 6 && minor < 3)) {
		it->grade = FINDING_HINT;
		advise(it,
		       "before Linux 6.3 a handoff has room for 32 bytes only: build with a target "
		       "that says so");
	}
}

static void probe_btf(struct findings *f)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		add(f, FINDING_GOOD, "BTF", "the kernel describes its types");
	else
		advise(add(f, FINDING_HINT, "BTF", "no /sys/kernel/btf/vmlinux"),
		       "programs that use kernel types will not load (CONFIG_DEBUG_INFO_BTF)");
}

static void probe_bpffs(struct findings *f)
{
	struct statfs fs;

	if (statfs("/sys/fs/bpf", &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC)
		add(f, FINDING_GOOD, "bpffs", "mounted at /sys/fs/bpf");
	else
		advise(
		    add(f, FINDING_HINT, "bpffs", "not mounted at /sys/fs/bpf"),
		    "`cleaved run` mounts it when it may; without it the kernel part goes when the "
		    "agent is killed (mount -t bpf bpf /sys/fs/bpf)");
}

static uint64_t effective_capabilities(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	unsigned long long caps = 0;
	char line[256];

	while (status && fgets(line, sizeof line, status))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	if (status)
		fclose(status);
	return caps;
}

static void probe_capabilities(struct findings *f)
{
	static const struct {
		int bit;
		const char *name;
	} wanted[] = {{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
		      {CAP_NET_RAW, "CAP_NET_RAW"},
		      {CAP_BPF, "CAP_BPF"},
		      {CAP_PERFMON, "CAP_PERFMON"},
		      {CAP_IPC_LOCK, "CAP_IPC_LOCK"}};
	uint64_t has = effective_capabilities();
	char missing[128] = "";

	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		if (!(has >> wanted[i].bit & 1)) {
			strcat(missing, missing[0] ? " " : "");
			strcat(missing, wanted[i].name);
		}
	if (!missing[0])
		add(f, FINDING_GOOD, "capabilities", "all that an agent needs");
	else
		advise(add(f, FINDING_BAD, "capabilities", "missing: %s", missing),
		       "run as root, or grant them to the agent (replay and build need none)");
}

static void probe_memlock(struct findings *f)
{
	struct rlimit limit = {0};

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_cur == RLIM_INFINITY)
		add(f, FINDING_GOOD, "locked memory", "unlimited");
	else if (effective_capabilities() >> CAP_IPC_LOCK & 1)
		add(f, FINDING_GOOD, "locked memory", "%llu KiB, lifted by CAP_IPC_LOCK",
		    (unsigned long long)limit.rlim_cur / 1024);
	else
		advise(add(f, FINDING_BAD, "locked memory", "%llu KiB",
			   (unsigned long long)limit.rlim_cur / 1024),
		       "packet memory needs 40 MiB a queue: ulimit -l unlimited, or CAP_IPC_LOCK");
}

static long read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	long value = -1;

	if (file && fscanf(file, "%ld", &value) != 1)
		value = -1;
	if (file)
		fclose(file);
	return value;
}

static void probe_jit(struct findings *f)
{
	long jit = read_number("/proc/sys/net/core/bpf_jit_enable");

	if (jit > 0)
		add(f, FINDING_GOOD, "BPF JIT", "on");
	else if (jit < 0)
		add(f, FINDING_HINT, "BPF JIT", "not visible from here (the sysctl is the host's)");
	else
		advise(add(f, FINDING_HINT, "BPF JIT", "off: the kernel part is interpreted"),
		       "sysctl -w net.core.bpf_jit_enable=1");
}

static void probe_sockets(struct findings *f)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		add(f, FINDING_GOOD, "AF_XDP", "there");
	else if (errno == EPERM)
		advise(add(f, FINDING_BAD, "AF_XDP", "not allowed to this process"),
		       "grant CAP_NET_RAW or run as root");
	else
		advise(add(f, FINDING_BAD, "AF_XDP", "not in this kernel"),
		       "a kernel with CONFIG_XDP_SOCKETS is needed");
	if (fd >= 0)
		close(fd);
}

static void probe_programs(struct findings *f)
{
	int xdp = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_XDP, NULL);
	int batch = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SYSCALL, NULL);

	if (xdp == 1 && batch == 1)
		add(f, FINDING_GOOD, "BPF programs", "XDP and syscall programs load");
	else if (xdp < 0 || !(effective_capabilities() >> CAP_BPF & 1))
		add(f, FINDING_HINT, "BPF programs", "cannot be tried without CAP_BPF");
	else
		advise(add(f, FINDING_BAD, "BPF programs", "%s programs do not load",
			   xdp == 1 ? "syscall" : "XDP"),
		       "check the kernel's version and configuration (CONFIG_BPF_SYSCALL)");
}

/* Tried with a socket on a queue that may be in use; then there is no answer. */
static void probe_zero_copy(struct findings *f, const struct host_interface *interface)
{
	struct io_options options = {
	    .ifname = interface->name, .receive = true, .copy = IO_COPY_NO};
	struct io_area *area = NULL;
	struct io_sock *sock = NULL;
	int err = io_area_new(&area, 64, 4096);

	if (!err)
		err = io_open(area, &options, &sock);
	if (!err)
		add(f, FINDING_GOOD, "zero copy", "the driver %s has it", interface->driver);
	else if (err == -EBUSY)
		add(f, FINDING_HINT, "zero copy", "unknown: queue 0 is in use");
	else if (err == -EPERM || err == -EACCES)
		add(f, FINDING_HINT, "zero copy", "cannot be tried without privilege");
	else
		add(f, FINDING_HINT, "zero copy", "the driver %s has none: copy mode",
		    interface->driver);
	io_close(&sock);
	io_area_free(&area);
}

static void probe_existing(struct findings *f, const struct host_interface *interface)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query((int)interface->ifindex, 0, &query) < 0)
		return;
	if (!query.prog_id && !query.drv_prog_id && !query.skb_prog_id)
		add(f, FINDING_GOOD, "XDP program", "none on %s yet", interface->name);
	else
		advise(add(f, FINDING_HINT, "XDP program", "%s runs one already (%s mode)",
			   interface->name, query.skb_prog_id ? "generic" : "native"),
		       "`cleaved run` refuses without --force, unless a dead agent left it");
}

/*
 * Only attaching tells for sure, and that disturbs some devices; so by the driver's name and what
 * is known to forbid it.
 */
static void probe_native(struct findings *f, const struct host_interface *interface)
{
	static const char *const without[] = {
	    "bridge", "macvlan", "ipvlan", "dummy", "vxlan", "802.1Q VLAN Support", "unknown"};

	for (size_t i = 0; i < sizeof without / sizeof without[0]; i++)
		if (!strcmp(interface->driver, without[i])) {
			advise(add(f, FINDING_HINT, "native XDP",
				   "the driver %s has none, as far as we know", interface->driver),
			       "generic mode is used: it works, slower");
			return;
		}
	if (interface->mtu > 3498)
		advise(add(f, FINDING_HINT, "native XDP", "driver %s, MTU %u", interface->driver,
			   interface->mtu),
		       "above an MTU of about 3498 most drivers run only programs of section "
		       "xdp.frags");
	else
		add(f, FINDING_GOOD, "native XDP", "driver %s, MTU %u", interface->driver,
		    interface->mtu);
}

static bool has_gro(const char *ifname)
{
	struct ethtool_value value = {.cmd = ETHTOOL_GGRO};
	struct ifreq request = {.ifr_data = (void *)&value};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool on;

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", ifname);
	on = fd >= 0 && ioctl(fd, SIOCETHTOOL, &request) == 0 && value.data;
	if (fd >= 0)
		close(fd);
	return on;
}

static void probe_interface(struct findings *f, const struct host_interface *interface)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!interface->up)
		advise(add(f, FINDING_HINT, "interface", "%s is down", interface->name),
		       "ip link set dev INTERFACE up");
	add(f, FINDING_GOOD, "queues", "%u receive, %u transmit, %ld CPUs", interface->queues,
	    interface->transmit_queues, cpus);
	probe_native(f, interface);
	probe_existing(f, interface);
	probe_zero_copy(f, interface);
	if (!strcmp(interface->driver, "veth"))
		advise(
		    add(f, has_gro(interface->name) ? FINDING_GOOD : FINDING_HINT, "veth", "GRO %s",
			has_gro(interface->name) ? "on" : "off"),
		    "what XDP sends to a veth arrives only if its far end has GRO on (ethtool -K "
		    "PEER gro on) or, for TX, an XDP program; and its senders must compute "
		    "checksums (ethtool -K PEER tx off)");
}

int host_probe(struct findings *findings, const char *ifname)
{
	struct host_interface interface;
	int err;

	memset(findings, 0, sizeof *findings);
	libbpf_set_print(NULL);
	probe_kernel(findings);
	probe_btf(findings);
	probe_bpffs(findings);
	probe_capabilities(findings);
	probe_memlock(findings);
	probe_jit(findings);
	probe_sockets(findings);
	probe_programs(findings);
	if (!ifname)
		return 0;
	err = host_interface_read(ifname, &interface);
	if (!err)
		probe_interface(findings, &interface);
	return err;
}
