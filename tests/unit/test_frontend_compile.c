/* clang as a subprocess: flags, messages, what is left behind, the same bytes each time. */
#include "frontend_case.h"

#define SMALL "SEC(\"xdp\") int nf(struct xdp_md *ctx) { return XDP_DROP; }\n"

static void test_small_program(void **state)
{
	struct frontend_case c = case_of(SMALL "char l[] SEC(\"license\") = \"GPL\";\n");

	case_expect_ok(&c);
	assert_string_equal(c.output.program->source, "nf.bpf.c");
	assert_string_equal(c.output.program->name, "nf");
	assert_string_equal(c.output.program->section, "xdp");
	assert_string_equal(c.output.program->license, "GPL");
	assert_ptr_equal(c.output.program->arena, c.arena);
	assert_false(c.output.program->uses_clock);
	assert_true(c.output.oracle_size > 64);
	assert_memory_equal(c.output.oracle, "\177ELF", 4);
	assert_memory_equal(c.output.bitcode, "BC", 2);
	assert_true(c.output.clang_ms > 0);
	case_expect(c.output.clang_version, "clang version 19");
	assert_int_equal(c.messages_size, 0);
	case_close(&c);
}

static void test_missing_file(void **state)
{
	struct frontend_case c = case_open();

	case_run(&c);
	assert_int_equal(c.err, -ENOENT);
	assert_string_equal(c.messages, "nf.bpf.c: error: no such file\n");
	case_close(&c);
}

static void test_folder(void **state)
{
	struct frontend_case c = case_open();

	c.input.path = "tmp";
	case_run(&c);
	assert_int_equal(c.err, -EISDIR);
	case_expect(c.messages, "tmp: error: this is a directory");
	case_close(&c);
}

static void test_object_as_source(void **state)
{
	struct frontend_case c = case_open();

	case_write("nf.bpf.c", "\177ELF\002\001\001");
	case_run(&c);
	assert_int_equal(c.err, -EINVAL);
	case_expect(c.messages, "nf.bpf.c: error: the object is cut short");
	case_close(&c);
}

static void test_clang_error(void **state)
{
	struct frontend_case c = case_of("SEC(\"xdp\") int nf(struct xdp_md *ctx)\n"
					 "{ return nonsense; }\n");

	assert_int_equal(c.err, -EINVAL);
	case_expect(c.messages, "nf.bpf.c:6:10: error: use of undeclared identifier 'nonsense'");
	assert_int_equal(case_occurrences(c.messages, "undeclared identifier"), 1);
	case_close(&c);
}

static void test_clang_warning_is_shown(void **state)
{
	struct frontend_case c = case_of("#warning own words\n" SMALL);

	case_expect_ok(&c);
	assert_int_equal(case_occurrences(c.messages, "warning: "), 1);
	case_expect(c.messages, "nf.bpf.c:5:2: warning: own words");
	case_close(&c);
}

static void test_no_clang(void **state)
{
	char *path = strdup(getenv("PATH"));
	struct frontend_case c = case_open();

	case_write("nf.bpf.c", PROLOGUE SMALL);
	assert_int_equal(setenv("PATH", "tmp", 1), 0);
	case_run(&c);
	assert_int_equal(setenv("PATH", path, 1), 0);
	free(path);
	assert_int_equal(c.err, -ENOPKG);
	case_expect(c.messages, "install the package clang-19");
	case_close(&c);
}

static void test_flags_pass_through(void **state)
{
	char *flags[] = {"-DVERDICT=XDP_TX", "-Itmp"};
	struct frontend_case c = case_open();

	case_write("tmp/own.h", "#define OWN VERDICT\n");
	case_write("nf.bpf.c",
		   PROLOGUE "#include \"own.h\"\n"
			    "SEC(\"xdp\") int nf(struct xdp_md *ctx) { return OWN; }\n");
	c.input.flags = flags;
	c.input.flag_count = 2;
	case_run(&c);
	case_expect_ok(&c);
	case_expect(c.text, "ret i32 3");
	unlink("tmp/own.h");
	case_close(&c);
}

/* An expressive NF calls what the C library declares. */
static void test_c_library_headers(void **state)
{
	struct frontend_case c =
	    case_of("#include <math.h>\n#include <stdint.h>\n#include <stdlib.h>\n"
		    "#include <string.h>\n#include <arpa/inet.h>\n"
		    "_Static_assert(sizeof(size_t) == 8 && sizeof(intptr_t) == 8, \"\");\n"
		    "SEC(\"xdp\") int nf(struct xdp_md *ctx) {\n"
		    "char b[9]; memset(b, ctx->ingress_ifindex, 8); b[8] = 0;\n"
		    "return sqrt(strlen(b)) > 2 ? XDP_DROP : XDP_PASS; }\n");

	case_expect_ok(&c);
	assert_int_equal(c.messages_size, 0);
	case_expect(c.text, "@strlen(");
	case_close(&c);
}

static void test_same_bytes(void **state)
{
	struct frontend_case c = case_of(SMALL);
	struct frontend_output first = c.output;
	char *text;

	case_expect_ok(&c);
	text = arena_strdup(c.arena, c.text);
	case_forget(&c);
	case_run(&c);
	case_expect_ok(&c);
	assert_int_equal(first.bitcode_size, c.output.bitcode_size);
	assert_memory_equal(first.bitcode, c.output.bitcode, first.bitcode_size);
	assert_int_equal(first.oracle_size, c.output.oracle_size);
	assert_memory_equal(first.oracle, c.output.oracle, first.oracle_size);
	assert_string_equal(text, c.text);
	case_close(&c);
}

/* BPF code cannot be made of it, which is no fault: it runs in user. */
static void test_expressive_has_no_oracle(void **state)
{
	struct frontend_case c =
	    case_of("struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 3);\n"
		    "__type(key, __u32); __type(value, double); } m SEC(\".maps\");\n"
		    "double sqrt(double);\n"
		    "SEC(\"xdp\") int nf(struct xdp_md *ctx) {\n"
		    "__u32 k = 0; double *v = bpf_map_lookup_elem(&m, &k);\n"
		    "if (v) *v = sqrt(*v * 1.5 + ctx->ingress_ifindex);\n"
		    "return XDP_PASS; }\n");

	case_expect_ok(&c);
	assert_null(c.output.oracle);
	assert_int_equal(c.output.oracle_size, 0);
	assert_non_null(c.output.oracle_error);
	assert_int_equal(c.messages_size, 0);
	assert_int_equal(c.output.program->map_count, 1);
	assert_int_equal(c.output.program->maps[0].value_size, 8);
	case_expect(c.text, "@sqrt(");
	case_close(&c);
}

static void test_load_from_memory(void **state)
{
	struct frontend_case c = case_of(SMALL);
	struct frontend_source source = {.bitcode = c.output.bitcode,
					 .bitcode_size = c.output.bitcode_size,
					 .path = "kept.bpf.c"};
	struct ir_program *program;

	case_expect_ok(&c);
	c.diag.out = tmpfile();
	assert_int_equal(frontend_load(c.arena, &source, &program, &c.diag), 0);
	assert_string_equal(program->name, "nf");
	assert_string_equal(program->source, "kept.bpf.c");
	ir_llvm_free(program->llvm);
	source.bitcode_size /= 2;
	assert_int_equal(frontend_load(c.arena, &source, &program, &c.diag), -EINVAL);
	assert_null(program);
	fclose(c.diag.out);
	case_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_small_program),
	    cmocka_unit_test(test_missing_file),
	    cmocka_unit_test(test_folder),
	    cmocka_unit_test(test_object_as_source),
	    cmocka_unit_test(test_clang_error),
	    cmocka_unit_test(test_clang_warning_is_shown),
	    cmocka_unit_test(test_no_clang),
	    cmocka_unit_test(test_flags_pass_through),
	    cmocka_unit_test(test_c_library_headers),
	    cmocka_unit_test(test_same_bytes),
	    cmocka_unit_test(test_expressive_has_no_oracle),
	    cmocka_unit_test(test_load_from_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
