#include "runtime/io_pass.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "support/diag.h"

enum { PASS_MTU = 65535 };

struct pass_link {
	char sender[IF_NAMESIZE], receiver[IF_NAMESIZE];
	struct host_interface target;
};

/* return bpf_redirect(ifindex, BPF_F_INGRESS); */
static int load_redirect(uint32_t ifindex)
{
	const struct bpf_insn program[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = (int)ifindex},
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = BPF_F_INGRESS},
	    {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "cleave_pass", "GPL", program,
			       sizeof program / sizeof program[0], NULL);

	return fd < 0 ? -errno : fd;
}

int pass_redirect_ingress(const char *from, uint32_t to)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(from),
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = 1, .priority = 1);
	int err, fd = load_redirect(to);

	if (fd < 0)
		return fd;
	options.prog_fd = fd;
	err = bpf_tc_hook_create(&hook);
	if (!err || err == -EEXIST)
		err = bpf_tc_attach(&hook, &options);
	close(fd); /* the filter keeps the program */
	return err;
}

int pass_open(struct pass_link **out, const struct host_interface *target, uint32_t queues,
	      struct diag *diag)
{
	struct pass_link *link = calloc(1, sizeof *link);
	int err;

	if (!link)
		return -ENOMEM;
	link->target = *target;
	snprintf(link->sender, sizeof link->sender, "clv%us", target->ifindex);
	snprintf(link->receiver, sizeof link->receiver, "clv%ur", target->ifindex);
	err = host_veth_new(link->sender, link->receiver, queues, PASS_MTU);
	if (!err)
		err = pass_redirect_ingress(link->receiver, target->ifindex);
	if (err) {
		diag_error(diag, NO_LOC,
			   "cannot build the way from user to the local stack of %s (veth pair "
			   "%s/%s with a tc program): %s",
			   target->name, link->sender, link->receiver, strerror(-err));
		pass_close(&link);
		return err;
	}
	*out = link;
	return 0;
}

int pass_avoid_generic(struct pass_link *link, struct diag *diag)
{
	/* mirred keeps the packet type that the pair's own address gave it. */
	int err = host_copy_address(link->receiver, link->target.name);

	if (!err)
		err = host_mirror_ingress(link->receiver, link->target.ifindex);
	if (err)
		diag_error(
		    diag, NO_LOC,
		    "generic XDP on %s needs tc's u32 classifier and mirred action for what user "
		    "passes to the local stack (modprobe cls_u32 act_mirred): %s",
		    link->target.name, strerror(-err));
	return err;
}

void pass_close(struct pass_link **out)
{
	struct pass_link *link = *out;

	if (!link)
		return;
	if (link->sender[0])
		host_link_delete(link->sender);
	free(link);
	*out = NULL;
}

const char *pass_device(const struct pass_link *link)
{
	return link->sender;
}
