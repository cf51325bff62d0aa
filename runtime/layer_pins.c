#include "runtime/layer_pins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/magic.h>
#include <bpf/bpf.h>

#include "runtime/host_interface.h"
#include "support/diag.h"

#define BPFFS      "/sys/fs/bpf"
#define INIT_BPFFS "/proc/1/root/sys/fs/bpf"

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

/*
 * In a mount namespace of our own (`ip netns exec` makes one) a bpffs would vanish with us, and the
 * pins with it. So it is mounted where the host's first process sees it, as systemd does at boot.
 */
static void mount_for_init(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		int fd = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);

		if (fd < 0 || setns(fd, CLONE_NEWNS) < 0)
			_exit(1);
		_exit(mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") <
		      0);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
}

const char *pins_root(void)
{
	if (is_bpffs(BPFFS))
		return BPFFS;
	if (!is_bpffs(INIT_BPFFS))
		mount_for_init();
	if (is_bpffs(BPFFS))
		return BPFFS;
	return is_bpffs(INIT_BPFFS) ? INIT_BPFFS : NULL;
}

void pins_find(struct pins *pins, const char *ifname, struct diag *diag)
{
	const char *root = pins_root();

	pins->available = root;
	if (!root) {
		diag_warning(
		    diag, NO_LOC,
		    "no BPF file system at %s and none can be mounted: if this agent is killed, "
		    "the kernel part of %s goes with it",
		    BPFFS, ifname);
		return;
	}
	snprintf(pins->folder, sizeof pins->folder, "%s/cleave/%" PRIu64 "-%s", root,
		 host_netns_inode(), ifname);
}

int pins_get(const struct pins *pins, const char *name)
{
	char path[PINS_PATH_MAX * 2];
	int fd;

	if (!pins->available)
		return -ENOENT;
	snprintf(path, sizeof path, "%s/%s", pins->folder, name);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

static void parent_of(char path[PINS_PATH_MAX], const char *folder)
{
	snprintf(path, PINS_PATH_MAX, "%s", folder);
	*strrchr(path, '/') = '\0';
}

/* Another agent that ends may take the parent away between the two steps: once more, then. */
static int make_folders(const char *folder)
{
	char parent[PINS_PATH_MAX];

	parent_of(parent, folder);
	for (int turn = 0; turn < 3; turn++) {
		if (mkdir(parent, 0700) < 0 && errno != EEXIST)
			return -errno;
		if (mkdir(folder, 0700) == 0 || errno == EEXIST)
			return 0;
		if (errno != ENOENT)
			break;
	}
	return -errno;
}

int pins_put(const struct pins *pins, int fd, const char *name)
{
	char path[PINS_PATH_MAX * 2];
	int err;

	if (!pins->available)
		return 0;
	err = make_folders(pins->folder);
	if (err)
		return err;
	snprintf(path, sizeof path, "%s/%s", pins->folder, name);
	return bpf_obj_pin(fd, path) < 0 ? -errno : 0;
}

void pins_clear(const struct pins *pins, const char *keep)
{
	char parent[PINS_PATH_MAX];
	struct dirent *entry;
	DIR *dir = pins->available ? opendir(pins->folder) : NULL;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && (!keep || strcmp(entry->d_name, keep)))
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	if (keep)
		return;
	rmdir(pins->folder);
	parent_of(parent, pins->folder);
	rmdir(parent); /* stays while another agent has its folder there */
}

/* bpffs takes no dots in names; ".bss" has one. */
void pins_map_name(char *name, uint32_t size, const char *map, uint64_t layout)
{
	snprintf(name, size, "map_%s_%016" PRIx64, map[0] == '.' ? map + 1 : map, layout);
	for (char *c = name; *c; c++)
		if (*c == '.')
			*c = '-';
}
