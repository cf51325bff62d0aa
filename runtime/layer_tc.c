#include "runtime/layer_tc.h"

#include <errno.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "bundle/kernel_abi.h"
#include "runtime/layer_pins.h"

/* Newer than libbpf 1.1 (include/uapi/linux/bpf.h of Linux 6.6). */
enum { TCX_INGRESS = 46, TCX_EGRESS = 47, LINK_TYPE_TCX = 11 };

static int attach(struct bpf_object *object, const char *name, uint32_t ifindex, int type,
		  uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
	struct bpf_program *prog = bpf_object__find_program_by_name(object, name);
	int fd;

	if (!prog)
		return -ENOENT;
	fd = bpf_link_create(bpf_program__fd(prog), (int)ifindex, (enum bpf_attach_type)type,
			     &options);
	return fd < 0 ? -errno : fd;
}

int tc_pair_attach(struct tc_pair_links *links, struct bpf_object *object, uint32_t near_ifindex,
		   uint32_t far_ifindex)
{
	int err = 0;

	*links = (struct tc_pair_links){-1, -1, -1};
	links->up = attach(object, CLEAVE_PROG_UP, far_ifindex, BPF_XDP, XDP_FLAGS_DRV_MODE);
	links->down = attach(object, CLEAVE_PROG_DOWN, near_ifindex, BPF_XDP, XDP_FLAGS_DRV_MODE);
	links->back = attach(object, CLEAVE_PROG_BACK, near_ifindex, TCX_INGRESS, 0);
	if (links->up < 0)
		err = links->up;
	else if (links->down < 0)
		err = links->down;
	else if (links->back < 0)
		err = links->back;
	if (err)
		tc_pair_detach(links);
	return err;
}

void tc_pair_detach(struct tc_pair_links *links)
{
	int *const fds[] = {&links->up, &links->down, &links->back};

	for (unsigned i = 0; i < 3; i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* The link of a dead agent, if it is still at this interface. */
static int find_orphan(const struct pins *pins, uint32_t ifindex)
{
	struct {
		struct bpf_link_info info;
		uint8_t newer[64];
	} known = {0};
	uint32_t size = sizeof known;
	int fd = pins_get(pins, "link");

	if (fd < 0)
		return fd;
	/* tcx.ifindex lies where xdp.ifindex does */
	if (bpf_obj_get_info_by_fd(fd, &known.info, &size) == 0 &&
	    known.info.type == LINK_TYPE_TCX && known.info.xdp.ifindex == ifindex)
		return fd;
	close(fd);
	return -ENOENT;
}

int tc_hook_attach(int prog_fd, uint32_t ifindex, bool egress, const struct pins *pins)
{
	int fd = find_orphan(pins, ifindex);

	if (fd >= 0) {
		if (bpf_link_update(fd, prog_fd, NULL) == 0)
			return fd;
		close(fd);
	}
	fd = bpf_link_create(prog_fd, (int)ifindex,
			     (enum bpf_attach_type)(egress ? TCX_EGRESS : TCX_INGRESS), NULL);
	return fd < 0 ? errno == EINVAL ? -EOPNOTSUPP : -errno : fd;
}
