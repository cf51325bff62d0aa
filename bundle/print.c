#include "bundle/bundle.h"

#include <linux/bpf.h>
#include <stdio.h>

static const char *const map_types[] = {
    [BPF_MAP_TYPE_HASH] = "hash",
    [BPF_MAP_TYPE_ARRAY] = "array",
    [BPF_MAP_TYPE_PROG_ARRAY] = "program array",
    [BPF_MAP_TYPE_PERF_EVENT_ARRAY] = "perf event array",
    [BPF_MAP_TYPE_PERCPU_HASH] = "per-CPU hash",
    [BPF_MAP_TYPE_PERCPU_ARRAY] = "per-CPU array",
    [BPF_MAP_TYPE_LRU_HASH] = "LRU hash",
    [BPF_MAP_TYPE_LRU_PERCPU_HASH] = "LRU per-CPU hash",
    [BPF_MAP_TYPE_LPM_TRIE] = "LPM trie",
    [BPF_MAP_TYPE_ARRAY_OF_MAPS] = "array of maps",
    [BPF_MAP_TYPE_HASH_OF_MAPS] = "hash of maps",
    [BPF_MAP_TYPE_DEVMAP] = "device map",
    [BPF_MAP_TYPE_DEVMAP_HASH] = "device hash",
    [BPF_MAP_TYPE_CPUMAP] = "CPU map",
    [BPF_MAP_TYPE_XSKMAP] = "XSK map",
    [BPF_MAP_TYPE_QUEUE] = "queue",
    [BPF_MAP_TYPE_STACK] = "stack",
    [BPF_MAP_TYPE_RINGBUF] = "ring buffer",
    [BPF_MAP_TYPE_BLOOM_FILTER] = "Bloom filter",
};

/* Prose behind a title; what follows a line break is indented like the title. */
static void print_prose(FILE *out, const char *title, const char *text)
{
	fprintf(out, "    %s", title);
	for (; *text; text++) {
		fputc(*text, out);
		if (*text == '\n' && text[1])
			fputs("    ", out);
	}
	fputc('\n', out);
}

static void print_list(FILE *out, const char *title, const char *const *texts, size_t count)
{
	if (!count)
		return;
	fprintf(out, "%s", title);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i ? ", " : "", texts[i]);
	fputc('\n', out);
}

static void print_head(const struct bundle *b, FILE *out)
{
	fprintf(out, "%s (%s) from %s, made by cleave %s\n", b->program, b->section, b->source,
		b->cleave_version);
	fprintf(out, "compiled by    %s\n", b->clang);
	print_list(out, "with flags     ", b->clang_flags, b->clang_flag_count);
	fprintf(out, "split          %s, %s order%s\n", b->split, b->strict ? "strict" : "relaxed",
		b->replay_inputs ? ", clocks and random numbers replayed (a check build)" : "");
	if (bundle_find(b, BUNDLE_MEMBER_USER))
		fprintf(out, "user part      for %s, tuned for %s\n", b->machine, b->cpu);
	else
		fprintf(out, "user part      none\n");
	if (b->min_kernel)
		fprintf(out, "kernel needed  Linux %u.%u.%u or later\n", b->min_kernel >> 16,
			b->min_kernel >> 8 & 0xff, b->min_kernel & 0xff);
	print_list(out, "with features  ", b->kernel_features, b->kernel_feature_count);
	if (b->kernel_can_run_source)
		return;
	fprintf(out, "The kernel alone cannot run the source:\n");
	print_prose(out, "", b->kernel_refusal ? b->kernel_refusal : "");
}

static void print_maps(const struct bundle *b, FILE *out)
{
	fprintf(out, "\nMaps: %zu\n", b->map_count);
	for (size_t i = 0; i < b->map_count; i++) {
		const struct bundle_map *map = &b->maps[i];

		fprintf(out, "  %s: ", map->name);
		if (map->type < sizeof map_types / sizeof *map_types && map_types[map->type])
			fputs(map_types[map->type], out);
		else
			fprintf(out, "type %u", map->type);
		fprintf(out, ", key %u bytes, value %u bytes, %u entries\n", map->key_size,
			map->value_size, map->max_entries);
		fprintf(out, "    home %s (%s)", map_home_text(map->home),
			map_home_meaning(map->home));
		if (map->slots)
			fprintf(out, ", %u slots", map->slots);
		fputc('\n', out);
		if (*map->why)
			print_prose(out, "because ", map->why);
	}
}

static void print_globals(const struct bundle *b, FILE *out)
{
	if (b->global_count)
		fprintf(out, "\nGlobal variables: %zu\n", b->global_count);
	for (size_t i = 0; i < b->global_count; i++)
		fprintf(out, "  %s: %u bytes in %s%s\n", b->globals[i].name, b->globals[i].size,
			b->globals[i].section, b->globals[i].constant ? ", constant" : "");
}

static void print_cuts(const struct bundle *b, FILE *out)
{
	fprintf(out, "\nCuts: %zu\n", b->cut_count);
	for (size_t i = 0; i < b->cut_count; i++) {
		const struct bundle_cut *cut = &b->cuts[i];

		fprintf(out, "  entry %u, before %s:%u: %u bytes handed over%s\n", cut->entry,
			cut->file, cut->line, cut->length,
			cut->held_only ? ", only while the packet's key is in flight" : "");
		if (*cut->why)
			print_prose(out, cut->held_only ? "" : "because ", cut->why);
		for (size_t j = 0; j < cut->live_count; j++)
			fprintf(out, "    bytes %3u to %3u  %s%s%s\n", cut->live[j].offset,
				cut->live[j].offset + cut->live[j].size, cut->live[j].kind,
				*cut->live[j].name ? "  " : "", cut->live[j].name);
	}
}

void bundle_print(const struct bundle *bundle, FILE *out)
{
	print_head(bundle, out);
	print_maps(bundle, out);
	print_globals(bundle, out);
	print_cuts(bundle, out);
	fprintf(out, "\nMembers: %zu\n", bundle->member_count);
	for (size_t i = 0; i < bundle->member_count; i++)
		fprintf(out, "  %-14s %9zu bytes  sha256 %s\n", bundle->members[i].name,
			bundle->members[i].size, bundle->members[i].digest);
}
