#include "runtime/host_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include "support/map_types.h"

void host_program_types(struct bpf_object *object)
{
	static const char *const names[] = {"tc", "classifier", "action"};
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, object)
	{
		const char *section = bpf_program__section_name(prog);

		if (section && !strncmp(section, "xdp", 3) &&
		    bpf_program__type(prog) == BPF_PROG_TYPE_UNSPEC) {
			bpf_program__set_type(prog, BPF_PROG_TYPE_XDP);
			bpf_program__set_expected_attach_type(prog, BPF_XDP);
		}
		for (size_t i = 0; section && i < sizeof names / sizeof *names; i++)
			if (!strncmp(section, names[i], strlen(names[i])))
				bpf_program__set_type(prog, BPF_PROG_TYPE_SCHED_CLS);
	}
}

void host_map_sizes(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		const struct map_type_row *row = map_type_find(bpf_map__type(map));

		if (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF) {
			bpf_map__set_key_size(map, 0);
			bpf_map__set_value_size(map, 0);
		}
		if (!row || row->key != MAP_KEY_INDEX ||
		    (row->holds != MAP_HOLDS_EVENTS && row->holds != MAP_HOLDS_PROGRAMS))
			continue;
		if (!bpf_map__key_size(map))
			bpf_map__set_key_size(map, 4);
		if (!bpf_map__value_size(map))
			bpf_map__set_value_size(map, 4);
	}
}

uint32_t host_program_id(int fd)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof info;

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 ? info.id : 0;
}
