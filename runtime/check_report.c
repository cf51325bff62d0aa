/* Results of cleaved check in words and as JSON. */
#include "runtime/check_report.h"

#include <string.h>

#include "runtime/check_describe.h"
#include "runtime/packet_list.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void print_cuts(FILE *out, const struct bundle *bundle)
{
	size_t shown = 0;

	for (size_t i = 0; i < bundle->cut_count; i++) {
		const struct bundle_cut *cut = &bundle->cuts[i];

		if (cut->held_only)
			continue;
		fprintf(out, "%s%s:%u", shown++ ? ", " : "cut at ",
			cut->file ? base_name(cut->file) : "?", cut->line);
	}
	if (!shown)
		fputs("no cut", out);
}

static void print_packets(FILE *out, const struct check_variant *v)
{
	const struct packet_list *list = v->shortest;

	for (size_t i = 0; i < list->count; i++) {
		const struct test_packet *p = &list->packets[i];

		fprintf(out, "  packet %zu: %u bytes on interface %u at %llu.%09llu s: ", i + 1,
			p->size, p->ifindex, (unsigned long long)(p->time_ns / 1000000000),
			(unsigned long long)(p->time_ns % 1000000000));
		check_describe_headers(out, p->bytes, p->size);
		fputc('\n', out);
	}
}

static void print_reproduction(FILE *out, const struct check_variant *v)
{
	const struct packet_list *list = v->shortest;

	if (!v->saved)
		return;
	fprintf(out, "  again: cleaved check --pcap %s --ifindex ", v->saved);
	for (size_t i = 0; i < list->count; i++)
		fprintf(out, "%s%u", i ? "," : "", list->packets[i].ifindex);
	fprintf(out, "%s\n", v->options);
}

static void print_mismatch(FILE *out, const struct check_variant *v)
{
	const struct check_result *r = &v->result;

	if (!v->shortest)
		return;
	fprintf(out, "MISMATCH, shrunk from %zu to %zu packet%s", v->shrunk_from,
		v->shortest->count, v->shortest->count == 1 ? "" : "s");
	if (r->at < v->shortest->count)
		fprintf(out, ", seen after packet %zu:\n", r->at + 1);
	else
		fputs(", seen at the end:\n", out);
	fputs(r->text ? r->text : "", out);
	print_packets(out, v);
	print_reproduction(out, v);
}

static const size_t *entries_of(const struct check_variant *v, const struct bundle *bundle)
{
	return bundle == v->bundle ? v->result.entries : v->result.second_entries;
}

/* Of the packets handed over: those sent only because their key was in flight. */
static size_t count_held(const struct check_variant *v)
{
	size_t held = 0;

	for (const struct bundle *b = v->bundle; b; b = b->second)
		for (size_t i = 0; i < b->cut_count; i++)
			if (b->cuts[i].held_only && b->cuts[i].entry < CLEAVE_ENTRIES_MAX)
				held += entries_of(v, b)[b->cuts[i].entry];
	return held;
}

void check_report_text(FILE *out, const struct check_variant *v)
{
	const struct check_result *r = &v->result;

	fprintf(out, "%s: --split %s, ", base_name(v->path), v->bundle->split);
	print_cuts(out, v->bundle);
	if (v->bundle->second) {
		fprintf(out, "; %s: %s, ", v->bundle->second->program, v->bundle->second->split);
		print_cuts(out, v->bundle->second);
	}
	fprintf(out, ": %zu packets, %zu handed over, %d mismatch%s\n", r->packets, r->handed_over,
		r->mismatch, r->mismatch ? "" : "es");
	if (r->in_flight > 1)
		fprintf(
		    out,
		    "  Up to %zu packets were in flight at a time; %zu of those handed over only "
		    "followed one of their key.\n",
		    r->in_flight, count_held(v));
	if (v->native_oracle)
		fprintf(out,
			"  The kernel cannot run this program whole (%s). It was compared with the "
			"same "
			"source, compiled natively as one piece.\n",
			v->refusal);
	else if (!v->bundle->kernel_can_run_source)
		fprintf(out,
			"  This kernel takes the whole program, which the compiler did not expect "
			"(%s), and it was\n  compared with that.\n",
			v->bundle->kernel_refusal);
	if (r->only_native)
		fprintf(out,
			"  %zu packets %s, which the kernel's test run does not take, were "
			"compared with\n  the source compiled natively as one piece.\n",
			r->only_native,
			bundle_is_tc(v->bundle) ? "without a whole network header"
						: "below 14 bytes");
	if (r->not_run > r->only_native)
		fprintf(
		    out,
		    "  %zu packets were left out: the kernel's test run takes 14 to %d bytes.\n",
		    r->not_run - r->only_native, HOST_TEST_BYTES_MAX);
	if (r->restarts)
		fprintf(out,
			"  Started over %zu times: a full LRU map dropped different elements on "
			"the two "
			"sides, which is right on both.\n",
			r->restarts);
	print_mismatch(out, v);
}

static const char *difference_text(enum check_difference kind)
{
	static const char *const names[] = {
	    [CHECK_SAME] = "none",
	    [CHECK_VERDICT] = "verdict",
	    [CHECK_PACKET] = "packet",
	    [CHECK_METADATA] = "metadata",
	    [CHECK_REDIRECT] = "redirect",
	    [CHECK_ENTRY] = "map element",
	    [CHECK_QUEUE] = "queue",
	    [CHECK_INNER] = "map in a map",
	    [CHECK_GLOBAL] = "global variable",
	    [CHECK_EVENTS] = "events",
	    [CHECK_FIELD] = "context field",
	};

	return names[kind];
}

static json_t *verdicts_json(const struct check_variant *v)
{
	json_t *object = json_object();
	bool tc = bundle_is_tc(v->bundle);

	for (unsigned i = 0; i < verdict_cell_count(tc); i++)
		json_object_set_new(object, verdict_cell_text(tc, i),
				    json_integer((json_int_t)v->result.verdicts[i]));
	return object;
}

static json_t *cuts_json(const struct check_variant *v, const struct bundle *bundle)
{
	const size_t *entries = entries_of(v, bundle);
	json_t *array = json_array();

	for (size_t i = 0; i < bundle->cut_count; i++) {
		const struct bundle_cut *cut = &bundle->cuts[i];
		json_int_t packets =
		    cut->entry < CLEAVE_ENTRIES_MAX ? (json_int_t)entries[cut->entry] : 0;

		json_array_append_new(array,
				      json_pack("{s:i, s:s, s:i, s:i, s:b, s:I}", "entry",
						(int)cut->entry, "file", cut->file ? cut->file : "",
						"line", (int)cut->line, "bytes", (int)cut->length,
						"held_only", cut->held_only, "packets", packets));
	}
	return array;
}

static json_t *mismatch_json(const struct check_variant *v)
{
	json_t *interfaces = json_array();

	for (size_t i = 0; i < v->shortest->count; i++)
		json_array_append_new(interfaces, json_integer(v->shortest->packets[i].ifindex));
	return json_pack("{s:s, s:I, s:I, s:I, s:o, s:s?, s:s?}", "kind",
			 difference_text(v->result.kind), "packets", (json_int_t)v->shortest->count,
			 "shrunk_from", (json_int_t)v->shrunk_from, "at",
			 (json_int_t)v->result.at + 1, "ifindexes", interfaces, "pcap", v->saved,
			 "text", v->result.text);
}

json_t *check_report_json(const struct check_variant *v)
{
	const struct check_result *r = &v->result;
	json_t *object =
	    json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "bundle",
		      v->path, "split", v->bundle->split ? v->bundle->split : "", "oracle",
		      v->native_oracle ? "native" : "kernel", "cuts", cuts_json(v, v->bundle),
		      "packets", (json_int_t)r->packets, "handed_over", (json_int_t)r->handed_over,
		      "in_flight", (json_int_t)r->in_flight, "held", (json_int_t)count_held(v),
		      "mismatches", (json_int_t)r->mismatch, "not_run", (json_int_t)r->not_run,
		      "only_native", (json_int_t)r->only_native, "restarts",
		      (json_int_t)r->restarts, "verdicts", verdicts_json(v));

	if (v->bundle->second)
		json_object_set_new(object, "second_cuts", cuts_json(v, v->bundle->second));
	if (!v->native_oracle && !v->bundle->kernel_can_run_source)
		json_object_set_new(object, "unexpected", json_string(v->bundle->kernel_refusal));
	if (v->shortest)
		json_object_set_new(object, "mismatch", mismatch_json(v));
	return object;
}
