#include "runtime/value_mask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/bundle.h"
#include "runtime/host_btf.h"
#include "support/diag.h"

enum {
	DEPTH_MAX = 16,
	STEPS_MAX = 1 << 16, /* members of one value, elements counted each */
};

struct painter {
	const struct host_btf *btf;
	uint8_t *mask;
	uint32_t bits; /* of the value */
	unsigned steps;
	bool unknown; /* the types say something that cannot be */
};

static void paint_bits(struct painter *p, uint64_t from, uint64_t count)
{
	if (from + count > p->bits) {
		p->unknown = true;
		return;
	}
	for (uint64_t bit = from; bit < from + count; bit++)
		p->mask[bit / 8] |= (uint8_t)(1 << bit % 8);
}

static void paint(struct painter *p, uint32_t type, uint64_t at, unsigned depth);

static void paint_array(struct painter *p, const struct btf_type_view *array, uint64_t at,
			unsigned depth)
{
	struct btf_type_view element;

	host_btf_type(p->btf, array->element, &element);
	if (element.shape != BTF_SHAPE_STRUCT && element.shape != BTF_SHAPE_ARRAY) {
		paint_bits(p, at, 8ull * array->size);
		return;
	}
	for (uint32_t i = 0; i < array->count && !p->unknown; i++)
		paint(p, array->element, at + 8ull * i * element.size, depth + 1);
}

static void paint_struct(struct painter *p, uint32_t type, uint32_t count, uint64_t at,
			 unsigned depth)
{
	struct btf_member_view member;

	for (uint32_t i = 0; i < count && !p->unknown; i++) {
		host_btf_member(p->btf, type, i, &member);
		if (member.bits)
			paint_bits(p, at + member.bit, member.bits);
		else
			paint(p, member.type, at + member.bit, depth + 1);
	}
}

/* What lies at bit `at` of the value. */
static void paint(struct painter *p, uint32_t type, uint64_t at, unsigned depth)
{
	struct btf_type_view view;

	host_btf_type(p->btf, type, &view);
	if (depth > DEPTH_MAX || ++p->steps > STEPS_MAX)
		p->unknown = true;
	else if (view.shape == BTF_SHAPE_STRUCT)
		paint_struct(p, type, view.count, at, depth);
	else if (view.shape == BTF_SHAPE_ARRAY)
		paint_array(p, &view, at, depth);
	else
		paint_bits(p, at, 8ull * view.size);
}

/* A mask in which something is clear, or NULL. */
static uint8_t *mask_of(const struct host_btf *btf, uint32_t type, uint32_t size)
{
	struct painter p = {.btf = btf, .bits = 8 * size};
	struct btf_type_view view;
	uint32_t full = 0;

	host_btf_type(btf, type, &view);
	if (!type || !size || size > UINT32_MAX / 8 || view.size != size)
		return NULL;
	p.mask = calloc(1, size);
	if (!p.mask)
		return NULL;
	paint(&p, type, 0, 0);
	while (full < size && p.mask[full] == 0xff)
		full++;
	if (p.unknown || full == size) {
		free(p.mask);
		return NULL;
	}
	return p.mask;
}

/* NULL when it has none: values are then compared whole. */
static struct host_btf *types_of(const struct bundle *bundle)
{
	const struct bundle_member *object = bundle_find(bundle, BUNDLE_MEMBER_SOURCE);
	struct diag quiet = {.out = fopen("/dev/null", "w")};
	struct host_btf *btf = NULL;

	if (object && quiet.out && host_btf_open(object->bytes, object->size, &btf, &quiet))
		btf = NULL;
	if (quiet.out)
		fclose(quiet.out);
	return btf;
}

uint8_t **value_masks_new(const struct bundle *bundle)
{
	uint8_t **masks = calloc(bundle->map_count + 1, sizeof *masks);
	struct host_btf *btf = masks ? types_of(bundle) : NULL;
	uint32_t key, value;

	for (size_t i = 0; btf && i < bundle->map_count; i++)
		if (host_btf_map(btf, bundle->maps[i].name, &key, &value))
			masks[i] = mask_of(btf, value, bundle->maps[i].value_size);
	if (btf)
		host_btf_close(&btf);
	return masks;
}

void value_masks_free(uint8_t ***masks, const struct bundle *bundle)
{
	for (size_t i = 0; *masks && i < bundle->map_count; i++)
		free((*masks)[i]);
	free(*masks);
	*masks = NULL;
}

bool value_same(const uint8_t *mask, uint32_t value_size, const void *a, const void *b,
		size_t bytes)
{
	const uint8_t *x = a, *y = b;
	size_t stride = ((size_t)value_size + 7) / 8 * 8; /* of a CPU */

	if (!memcmp(a, b, bytes))
		return true;
	if (!mask)
		return false;
	for (size_t i = 0; i < bytes; i++)
		if ((x[i] ^ y[i]) & (i % stride < value_size ? mask[i % stride] : 0xff))
			return false;
	return true;
}
