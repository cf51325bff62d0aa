/*
 * Programs that call each other by bpf_tail_call, in an object that was opened by libbpf: which of
 * them to load, and what their arrays hold. The arrays begin with what the manifest says; whoever
 * puts other programs into them later decides what the kernel part calls then.
 */
#ifndef CLEAVE_RUNTIME_LAYER_PROGRAMS_H
#define CLEAVE_RUNTIME_LAYER_PROGRAMS_H

#include <stdbool.h>

struct bpf_object;
struct bpf_program;
struct bundle;

/* Is this the name of a program that tail calls may reach? */
bool layer_is_called(const struct bundle *bundle, const char *name);
/* After the load. Returns 0 or a negative errno. */
int layer_fill_programs(struct bpf_object *object, const struct bundle *bundle);
/* The same with what stands for each program: its descriptor, as `fd_of` says. */
typedef int layer_program_fd(const void *context, const struct bpf_program *program);
int layer_fill_programs_as(struct bpf_object *object, const struct bundle *bundle,
			   layer_program_fd *fd_of, const void *context);

#endif
