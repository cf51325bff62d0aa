/* The manifest's reader: every key, type and range is checked, behind a digest that fits. */
#include "tests/unit/bundle_sample.h"
#include "bundle/manifest.h"
#include "support/diag.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static char messages[4096];

/* Parses the text over the sample's members. */
static int parse(const char *text)
{
	struct bundle *from = sample_bundle(), *b = bundle_new();
	struct diag diag;
	int err;

	memset(messages, 0, sizeof messages);
	diag = (struct diag){.out = fmemopen(messages, sizeof messages, "w")};
	bundle_manifest(from); /* computes the digests */
	b->members = from->members;
	b->member_count = from->member_count;
	bundle_add(b, BUNDLE_MEMBER_MANIFEST, text, strlen(text));
	err = manifest_parse("nf.cleave", text, strlen(text), b, &diag);
	assert_int_equal(diag.errors, err ? 1 : 0);
	fclose(diag.out);
	bundle_free(&from);
	bundle_free(&b);
	return err;
}

/* The sample's manifest with the first occurrence of one text replaced. */
static int parse_with(const char *old, const char *now)
{
	struct bundle *b = sample_bundle();
	const char *text = bundle_manifest(b), *at = strstr(text, old);
	int err;

	assert_non_null(at);
	err = parse(
	    arena_printf(b->arena, "%.*s%s%s", (int)(at - text), text, now, at + strlen(old)));
	bundle_free(&b);
	return err;
}

static void test_bad_values(void **state)
{
	static const struct {
		const char *old, *now, *message;
	} cases[] = {
	    {"\"format\": 1", "\"format\": \"1\"", "format is not a whole number"},
	    {"\"program\": \"nf_main\"", "\"program\": \"nf main\"", "C identifier"},
	    {"\"program\": \"nf_main\"", "\"program\": \"7nf\"", "C identifier"},
	    {"\"program\": \"nf_main\"", "\"program\": 7", "is not a text"},
	    {"\"program\": \"nf_main\"", "\"other\": \"nf_main\"", "program is missing"},
	    {"\"strict\": true", "\"strict\": true, \"more\": 1", "keys that we do not know"},
	    {"\"strict\": true", "\"strict\": true, \"strict\": true", "is not JSON"},
	    {"\"strict\": true", "\"strict\": 1", "neither true nor false"},
	    {"\"source\": \"nf.bpf.c\"", "\"source\": \"../nf.bpf.c\"", "without its folder"},
	    {"skylake", "sky\\u001b[2Jlake", "control characters"},
	    {"skylake", "sky\\u009blake", "control characters"},
	    {"skylake", "sky\\u0000lake", "is not JSON"},
	    {"\"ordered_maps\": 1", "\"ordered_maps\": 17", "is not from 0 to 16"},
	    {"\"ordered_maps\": 1", "\"ordered_maps\": -1", "is not from 0 to 16"},
	    {"\"ordered_maps\": 1", "\"ordered_maps\": 1.0", "is not a whole number"},
	    {"\"kernel_refusal\": \"", "\"kernel_refusal\": null, \"x\": \"", "keys that we do"},
	    {"\"kernel_can_run_source\": false", "\"kernel_can_run_source\": true", "refusal"},
	    {"5.18.0", "5.18", "kernel version"},
	    {"5.18.0", "5.018.0", "kernel version"},
	    {"5.18.0", "5.256.0", "kernel version"},
	    {"5.18.0", "5.18.0x", "kernel version"},
	    {"shared values", "shared value", "maps[0].home is not a home"},
	    {"\"name\": \"stats\"", "\"name\": \"flows\"", "map flows twice"},
	    {"\"slots\": 9216", "\"slots\": 0", "no slots"},
	    {"\"slots\": 9216", "\"slots\": 9217", "wrong layout number"},
	    {"\"slots\": 9216", "\"slots\": 4294967296", "is not from 0 to"},
	    {"\"layout\": \"", "\"layout\": \"0", "16 hexadecimal digits"},
	    {"\"value_size\": 24", "\"value_size\": null", "whole number"},
	    {"\"name\": \"seen\"", "\"name\": \"limit\"", "global limit twice"},
	    {"\"entry\": 1", "\"entry\": 0", "entry 0 twice"},
	    {"\"entry\": 1", "\"entry\": 256", "cuts[1].entry is not from 0 to 255"},
	    {"\"length\": 40", "\"length\": 42", "impossible length"},
	    {"\"length\": 40", "\"length\": 220", "is not from 8 to 216"},
	    {"\"length\": 24", "\"length\": 20", "impossible length"},
	    {"\"length\": 40", "\"length\": 36", "outside of the handoff of entry 1"},
	    {"\"offset\": 16", "\"offset\": 12", "outside of the handoff of entry 1"},
	    {"\"offset\": 24", "\"offset\": 28", "outside of the handoff of entry 1"},
	    {"\"offset\": 24", "\"offset\": 33", "outside of the handoff of entry 1"},
	    {"\"size\": 8\n", "\"size\": 9\n", "outside of the handoff of entry 1"},
	    {"\"live\": []", "\"live\": {}", "cuts[0].live is not a list"},
	    {"\"live\": []", "\"live\": [3]", "cuts[0].live[0]. is not an object"},
	    {"\"name\": \"ir.bc\"", "\"name\": \"plan.txt\"", "has plan.txt where the file has"},
	    {"\"sha256\": \"", "\"sha256\": \"0", "does not describe the ir.bc"},
	    {"\"size\": 513", "\"size\": 514", "does not describe the kernel.bpf.o"},
	    {"\"members\": [", "\"members\": [[],", "malformed element"},
	};
	unsigned failed = 0;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int err = parse_with(cases[i].old, cases[i].now);

		if (err == -EBADMSG && strstr(messages, cases[i].message))
			continue;
		print_error("%s -> %s: %d, %s\n", cases[i].old, cases[i].now, err, messages);
		failed++;
	}
	assert_int_equal(failed, 0);
}

static void test_good_values(void **state)
{
	assert_int_equal(parse_with("skylake", "skylake"), 0);
	assert_int_equal(parse_with("skylake", ""), 0);
	assert_int_equal(parse_with("5.18.0", "255.255.255"), 0);
	assert_int_equal(parse_with("per-CPU counters\\nread", "\\tg\\u00fcnstig\\n"), 0);
	assert_int_equal(parse_with("\"format\": 1", "\"format\": 2"), -EPROTONOSUPPORT);
	assert_int_equal(parse_with("\"format\": 1", "\"format\": -1"), -EPROTONOSUPPORT);
}

static void test_no_json(void **state)
{
	assert_int_equal(parse(""), -EBADMSG);
	assert_int_equal(parse("[]"), -EBADMSG);
	assert_int_equal(parse("{}"), -EBADMSG);
	assert_int_equal(parse("{\"format\": 1}"), -EBADMSG);
	assert_int_equal(parse("\xff\xfe"), -EBADMSG);
}

/* Members and manifest that agree with each other, but are not what a bundle has. */
static int parse_members(const char *const *names, bool can_run, bool cuts)
{
	struct bundle *from = sample_bundle(), *b = bundle_new();
	struct bundle_member members[8] = {0};
	struct diag diag;
	const char *text;
	int err;

	memset(messages, 0, sizeof messages);
	diag = (struct diag){.out = fmemopen(messages, sizeof messages, "w")};
	from->members = members;
	for (from->member_count = 0; names[from->member_count]; from->member_count++)
		members[from->member_count] = (struct bundle_member){
		    .name = names[from->member_count], .bytes = "x", .size = 1};
	from->kernel_can_run_source = can_run;
	from->kernel_refusal = can_run ? NULL : "why";
	from->cut_count = cuts ? from->cut_count : 0;
	text = bundle_manifest(from);
	b->members = members;
	b->member_count = from->member_count;
	err = manifest_parse("nf.cleave", text, strlen(text), b, &diag);
	fclose(diag.out);
	bundle_free(&from);
	bundle_free(&b);
	return err;
}

#define NAMES(...) ((const char *const[]){"manifest.json", __VA_ARGS__, NULL})
#define SRC        "source.bpf.o"
#define KERN       "kernel.bpf.o"

static void test_member_set(void **state)
{
	static const char *const most[] = {"manifest.json", "ir.bc", SRC, KERN, "plan.txt", NULL};

	assert_int_equal(parse_members(most, true, false), 0);
	assert_int_equal(parse_members(most, true, true), -EBADMSG);
	assert_non_null(strstr(messages, "cuts but no user part"));
	assert_int_equal(
	    parse_members(NAMES("ir.bc", SRC, KERN, "user.so", "plan.txt"), true, true), 0);
	assert_int_equal(parse_members(NAMES("ir.bc", KERN, "plan.txt"), false, false), 0);
	assert_int_equal(parse_members(NAMES("ir.bc", KERN, "plan.txt"), true, false), -EBADMSG);
	assert_non_null(strstr(messages, "lacks source.bpf.o"));
	assert_int_equal(parse_members(NAMES("ir.bc", SRC, "plan.txt"), true, false), -EBADMSG);
	assert_non_null(strstr(messages, "lacks kernel.bpf.o"));
	assert_int_equal(parse_members(NAMES(SRC, "ir.bc", KERN, "plan.txt"), true, false),
			 -EBADMSG);
	assert_non_null(strstr(messages, "out of order"));
	assert_int_equal(parse_members(NAMES("ir.bc", "ir.bc", SRC, KERN, "plan.txt"), true, false),
			 -EBADMSG);
	assert_non_null(strstr(messages, "ir.bc twice"));
	assert_int_equal(parse_members(NAMES("ir.bc", SRC, KERN, "plan.txt", "z"), true, false),
			 -EBADMSG);
	assert_non_null(strstr(messages, "unknown member z"));
}

/* A list with one element more than the limit. */
static void test_counts(void **state)
{
	struct arena *arena = arena_new();
	char *list = arena_alloc(arena, 5 * 1025 + 1);

	for (int i = 0; i < 1025; i++)
		strcpy(list + 5 * i, "\"aa\",");
	assert_int_equal(parse_with("\"af_xdp\",\n", list), -EBADMSG);
	assert_non_null(strstr(messages, "more than 1024 elements"));
	list[5 * 1020] = '\0';
	assert_int_equal(parse_with("\"af_xdp\",\n", list), 0);
	arena_free(&arena);
}

/* Nesting as deep as the file is long must not exhaust the stack. */
static void test_deep(void **state)
{
	char *deep = malloc(1000001);

	memset(deep, '[', 1000000);
	deep[1000000] = '\0';
	assert_int_equal(parse(deep), -EBADMSG);
	free(deep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bad_values), cmocka_unit_test(test_good_values),
	    cmocka_unit_test(test_no_json),    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_deep),       cmocka_unit_test(test_member_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
