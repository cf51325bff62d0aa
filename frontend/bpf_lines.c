/* .BTF.ext: tables of fixed records by section, of which newer compilers may write longer ones. */
#include "frontend/bpf_types.h"

#include <string.h>

#include "support/arena.h"

/* Of .BTF.ext; offsets count from the end of the header. */
struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t bytes;
	uint32_t functions, function_bytes;
	uint32_t lines, line_bytes;
	uint32_t core, core_bytes; /* when the header is long enough */
};

struct records {
	const uint8_t *at;
	uint32_t count, each;
};

struct line_record {
	uint32_t instruction, file, text, line_column;
};

struct core_record {
	uint32_t instruction, type, access, kind;
};

/* The records of one section in a table: u32 size of a record, then sections {name, count, ...}. */
static struct records find_records(const struct bpf_types *types, const uint8_t *table, size_t size,
				   const char *section, size_t least)
{
	uint32_t each, name, count;

	if (size < sizeof each)
		return (struct records){0};
	memcpy(&each, table, sizeof each);
	table += sizeof each;
	size -= sizeof each;
	if (each < least)
		return (struct records){0};
	while (size >= 8) {
		memcpy(&name, table, 4);
		memcpy(&count, table + 4, 4);
		table += 8;
		size -= 8;
		if (count > size / each)
			break;
		if (!strcmp(bpf_types_string(types, name), section))
			return (struct records){table, count, each};
		table += (size_t)count * each;
		size -= (size_t)count * each;
	}
	return (struct records){0};
}

/* The table at `offset` of the header's fields (lines or core). */
static struct records find_table(const struct bpf_types *types, const uint8_t *ext, size_t size,
				 size_t field, const char *section, size_t least)
{
	uint32_t bytes, place[2];

	if (!ext || size < 8)
		return (struct records){0};
	memcpy(&bytes, ext + offsetof(struct ext_header, bytes), 4);
	if (bytes > size || field + sizeof place > bytes)
		return (struct records){0};
	memcpy(place, ext + field, sizeof place);
	size -= bytes;
	if (place[0] > size || place[1] > size - place[0])
		return (struct records){0};
	return find_records(types, ext + bytes + place[0], place[1], section, least);
}

void bpf_types_lines(const struct bpf_types *types, const void *ext, size_t size,
		     const char *section, struct bpf_line **lines, size_t *count)
{
	struct records r = find_table(types, ext, size, offsetof(struct ext_header, lines), section,
				      sizeof(struct line_record));
	uint32_t before = 0;

	*count = 0;
	*lines = arena_array(types->arena, r.count + 1, sizeof **lines);
	for (uint32_t i = 0; i < r.count; i++) {
		struct line_record from;

		memcpy(&from, r.at + (size_t)i * r.each, sizeof from);
		if (from.instruction / 8 < before)
			break; /* out of order: damaged */
		before = from.instruction / 8;
		(*lines)[(*count)++] =
		    (struct bpf_line){before, bpf_types_string(types, from.file),
				      from.line_column >> 10, from.line_column & 0x3ff};
	}
}

void bpf_types_core(const struct bpf_types *types, const void *ext, size_t size,
		    const char *section, struct bpf_core **relocations, size_t *count)
{
	struct records r = find_table(types, ext, size, offsetof(struct ext_header, core), section,
				      sizeof(struct core_record));

	*count = r.count;
	*relocations = arena_array(types->arena, r.count + 1, sizeof **relocations);
	for (uint32_t i = 0; i < r.count; i++) {
		struct core_record from;

		memcpy(&from, r.at + (size_t)i * r.each, sizeof from);
		(*relocations)[i] =
		    (struct bpf_core){from.instruction / 8, from.type,
				      bpf_types_string(types, from.access), from.kind};
	}
}
