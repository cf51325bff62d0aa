#include "runtime/host_complete.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static const struct bundle_map *find(const struct bundle *bundle, const char *name)
{
	for (size_t i = 0; i < bundle->map_count; i++)
		if (!strcmp(bundle->maps[i].name, name))
			return &bundle->maps[i];
	return NULL;
}

static int set_inner(struct host_completed *completed, struct bpf_map *map,
		     const struct bundle_inner *like)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = like->flags);
	int fd;

	if (completed->count == HOST_COMPLETED_MAX)
		return -E2BIG;
	fd = bpf_map_create(like->type, "cleave_inner", like->key_size, like->value_size,
			    like->max_entries, &options);
	if (fd < 0)
		return fd;
	completed->fd[completed->count++] = fd;
	return bpf_map__set_inner_map_fd(map, fd);
}

void host_completed_close(struct host_completed *completed)
{
	while (completed->count)
		close(completed->fd[--completed->count]);
}

int host_complete_maps(struct host_completed *completed, struct bpf_object *object,
		       const struct bundle *bundle)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, object)
	{
		const struct bundle_map *known = find(bundle, bpf_map__name(map));

		if (!known || err)
			continue;
		if (known->max_entries && known->max_entries != bpf_map__max_entries(map))
			err = bpf_map__set_max_entries(map, known->max_entries);
		if (!err && known->inner_count && !bpf_map__inner_map(map))
			err = set_inner(completed, map, known->inner);
	}
	return err;
}
