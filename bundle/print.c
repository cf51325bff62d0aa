#include "bundle/bundle.h"

#include <stdio.h>

#include "support/map_types.h"

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
		const struct map_type_row *row = map_type_find(map->type);

		fprintf(out, "  %s: ", map->name);
		if (row)
			fputs(row->title, out);
		else
			fprintf(out, "type %u", map->type);
		fprintf(out, ", key %u bytes, value %u bytes, %u entries\n", map->key_size,
			map->value_size, map->max_entries);
		if (map->inner_count)
			fprintf(out, "    of maps of type %s, key %u bytes, value %u bytes\n",
				map_type_text(map->inner->type), map->inner->key_size,
				map->inner->value_size);
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
	if (!bundle->second)
		return;
	fputs("\nAnd the other program of the pair:\n\n", out);
	bundle_print(bundle->second, out);
}
