/* Map definitions, read from an object's BTF by libbpf. */
#ifndef CLEAVE_FRONTEND_BTF_MAPS_H
#define CLEAVE_FRONTEND_BTF_MAPS_H

#include "ir/ir.h"

/*
 * Fills type, sizes and flags of maps[] by name from the object and from program->map_settings;
 * loc of a map is where its faults are reported. Returns 0 or a negative errno (reported).
 */
int frontend_read_map_definitions(const struct ir_program *program, const void *object, size_t size,
				  struct ir_map *maps, size_t count, struct diag *diag);

#endif
