/* One instance of the bundle's kernel object, loaded for one interface. Used by layer_xdp.c only.
 */
#ifndef CLEAVE_RUNTIME_LAYER_OBJECT_H
#define CLEAVE_RUNTIME_LAYER_OBJECT_H

#include "runtime/layer_pins.h"
#include "runtime/layer_xdp.h"

struct bpf_object;

struct kernel_object {
	struct bpf_object *object;
	int prog_fd;
	uint32_t prog_id;
};

/*
 * Opens and loads. Maps come from `shared` (the first instance; NULL for the first itself), else
 * from `pins` where a map of the same layout is pinned (*adopted counts those), else they are
 * created.
 */
int kernel_object_load(struct kernel_object *out, const struct kernel_load *load,
		       const struct cleave_kernel_config *config, struct bpf_object *shared,
		       const struct pins *pins, uint32_t *adopted, struct diag *diag);
void kernel_object_free(struct kernel_object *object);

/* A section with global variables (".bss"), and where in it one of them is. */
struct section_view {
	int fd; /* of its map */
	uint8_t
	    *bytes; /* as it was before the load; what a program sees only of read-only sections */
	size_t size;
	uint32_t offset;
};
/* -ENOENT: no such section, or no variable of this name and at least this size in it. */
int kernel_object_find_global(const struct kernel_object *object, const char *section,
			      const char *name, uint32_t size, struct section_view *view);

/* Pins every map that an agent may adopt later. */
int kernel_object_pin_maps(const struct kernel_object *object, const struct bundle *bundle,
			   const struct pins *pins);

#endif
