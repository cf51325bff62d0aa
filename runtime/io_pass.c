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
	int prog_fd;
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

static int attach_redirect(struct pass_link *link)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(link->receiver),
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = link->prog_fd, .handle = 1, .priority = 1);
	int err = bpf_tc_hook_create(&hook);

	return err && err != -EEXIST ? err : bpf_tc_attach(&hook, &options);
}

int pass_open(struct pass_link **out, const struct host_interface *target, uint32_t queues,
	      struct diag *diag)
{
	struct pass_link *link = calloc(1, sizeof *link);
	int err;

	if (!link)
		return -ENOMEM;
	snprintf(link->sender, sizeof link->sender, "clv%us", target->ifindex);
	snprintf(link->receiver, sizeof link->receiver, "clv%ur", target->ifindex);
	link->prog_fd = load_redirect(target->ifindex);
	err = link->prog_fd < 0 ? link->prog_fd
				: host_veth_new(link->sender, link->receiver, queues, PASS_MTU);
	if (!err)
		err = attach_redirect(link);
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

void pass_close(struct pass_link **out)
{
	struct pass_link *link = *out;

	if (!link)
		return;
	if (link->sender[0])
		host_link_delete(link->sender);
	if (link->prog_fd >= 0)
		close(link->prog_fd);
	free(link);
	*out = NULL;
}

const char *pass_device(const struct pass_link *link)
{
	return link->sender;
}
