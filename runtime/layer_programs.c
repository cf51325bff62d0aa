#include "runtime/layer_programs.h"

#include <errno.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bundle/bundle.h"
#include "bundle/kernel_abi.h"

bool layer_is_called(const struct bundle *bundle, const char *name)
{
	for (size_t i = 0; i < bundle->program_count; i++)
		if (!strcmp(bundle->programs[i], name))
			return true;
	return bundle->program_count && !strcmp(name, CLEAVE_PROG_CALLEE);
}

/* The first program, as it is called, is one of its own in a kernel part. */
static const struct bpf_program *find_called(const struct bpf_object *object,
					     const struct bundle *bundle, uint32_t number)
{
	struct bpf_program *prog = NULL;

	if (number >= bundle->program_count)
		return NULL;
	if (number == 0)
		prog = bpf_object__find_program_by_name(object, CLEAVE_PROG_CALLEE);
	if (!prog)
		prog = bpf_object__find_program_by_name(object, bundle->programs[number]);
	return prog;
}

static int own_fd(const void *context, const struct bpf_program *program)
{
	return bpf_program__fd(program);
}

int layer_fill_programs(struct bpf_object *object, const struct bundle *bundle)
{
	return layer_fill_programs_as(object, bundle, own_fd, NULL);
}

int layer_fill_programs_as(struct bpf_object *object, const struct bundle *bundle,
			   layer_program_fd *fd_of, const void *context)
{
	for (size_t m = 0; m < bundle->map_count; m++) {
		const struct bundle_map *map = &bundle->maps[m];
		int fd =
		    map->call_count ? bpf_object__find_map_fd_by_name(object, map->name) : -ENOENT;

		for (size_t i = 0; i < map->call_count && fd >= 0; i++) {
			const struct bpf_program *called =
			    find_called(object, bundle, map->calls[i].program);
			int program = called ? fd_of(context, called) : -ENOENT;
			int err = 0;

			/* One that only user calls is not in the kernel part. */
			if (program >= 0)
				err = bpf_map_update_elem(fd, &map->calls[i].index, &program, 0);
			if (err)
				return err;
		}
	}
	return 0;
}
