/* What a program's own loader sets of its maps, which the bundle knows from how it was built. */
#ifndef CLEAVE_RUNTIME_HOST_COMPLETE_H
#define CLEAVE_RUNTIME_HOST_COMPLETE_H

#include <bpf/libbpf.h>

#include "bundle/bundle.h"

enum { HOST_COMPLETED_MAX = 64 };

/* Inner maps that libbpf looks at when it loads; all zero at first. */
struct host_completed {
	int fd[HOST_COMPLETED_MAX];
	unsigned count;
};

/* Numbers of elements, and inner maps. Before the object is loaded; 0 or a negative errno. */
int host_complete_maps(struct host_completed *completed, struct bpf_object *object,
		       const struct bundle *bundle);
/* Once it is loaded, or will not be. */
void host_completed_close(struct host_completed *completed);

#endif
