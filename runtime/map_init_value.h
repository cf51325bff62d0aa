/* One JSON value into the bytes of a BTF type, for map_init.c. */
#ifndef CLEAVE_RUNTIME_MAP_INIT_VALUE_H
#define CLEAVE_RUNTIME_MAP_INIT_VALUE_H

#include <jansson.h>
#include <stdint.h>

struct diag;
struct host_btf;
struct json_source;

struct map_init_reader {
	struct json_source *src;
	const struct host_btf *btf;
	struct diag *diag;
};

/*
 * type may be 0: then size bytes are a number (1, 2, 4 or 8 bytes) or text of just as many bytes.
 * The bytes are zero before. Returns 0 or -EINVAL, reported.
 */
int map_init_value(const struct map_init_reader *r, const json_t *value, uint32_t type,
		   uint8_t *bytes, uint32_t size);
/* {"prefix": "ADDRESS/LENGTH"} into an LPM key of 8 or 20 bytes. */
int map_init_prefix(const struct map_init_reader *r, const json_t *value, uint8_t *bytes,
		    uint32_t size);

#endif
