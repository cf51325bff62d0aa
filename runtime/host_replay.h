/*
 * A program that Cleave did not make, and those that it reaches by tail calls, so that a check can
 * run them: clocks and random numbers are replayed, redirects noted, as in what Cleave makes. Calls
 * of these helpers become calls of functions of the same arguments that stand behind each program;
 * nothing else is touched.
 * A TC program is called by a front that notes the context which it leaves.
 */
#ifndef CLEAVE_RUNTIME_HOST_REPLAY_H
#define CLEAVE_RUNTIME_HOST_REPLAY_H

#include <stddef.h>
#include <stdint.h>

struct bpf_object;
struct bpf_program;
struct bundle;
struct host_replay;

/*
 * Of a loaded object's program; maps are told apart by their places in the bundle. Its arrays of
 * programs then hold what runs instead of them. *replay stays NULL where no program calls such a
 * helper. Returns 0 or a negative errno, with the end of the verifier's log.
 */
int host_replay_open(struct host_replay **replay, struct bpf_object *object,
		     const struct bpf_program *program, const struct bundle *bundle, char *log,
		     size_t log_size);
void host_replay_close(struct host_replay **replay);

/* What runs instead of a program, or the program itself. */
int host_replay_fd(const struct host_replay *replay, const struct bpf_program *program);
/* As host_test_variable: CLEAVE_REPLAY_SYMBOL, CLEAVE_REDIRECT_SYMBOL, of TC CLEAVE_SKB_SYMBOL;
 * NULL: none of these. */
void *host_replay_variable(const struct host_replay *replay, const char *name, uint32_t *size);

#endif
