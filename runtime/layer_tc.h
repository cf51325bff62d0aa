/* Attaching a TC program's kernel part: the program at its hook, three more on its private pair. */
#ifndef CLEAVE_RUNTIME_LAYER_TC_H
#define CLEAVE_RUNTIME_LAYER_TC_H

#include <stdbool.h>
#include <stdint.h>

struct bpf_object;
struct pins;

/* Links of the pair's programs; -1: none. They go with the process. */
struct tc_pair_links {
	int up, down, back;
};

/* Returns 0 or a negative errno; the links made so far are closed then. */
int tc_pair_attach(struct tc_pair_links *links, struct bpf_object *object, uint32_t near_ifindex,
		   uint32_t far_ifindex);
void tc_pair_detach(struct tc_pair_links *links);

/*
 * The program behind all that are at the hook; a link that a dead agent left there runs it from
 * now on. Returns the link's descriptor or a negative errno (-EOPNOTSUPP: a kernel without tcx).
 */
int tc_hook_attach(int prog_fd, uint32_t ifindex, bool egress, const struct pins *pins);

#endif
