/* CO-RE: an object's questions, answered from the BTF of a kernel that is another file of C. */
#include "frontend_case.h"

#include <linux/bpf.h>

#include "frontend/bpf_object.h"

#define CLANG "clang-19 -target bpf -mcpu=v3 -g -O2 -c "

static const char kernel[] =
    "enum state { ONE = 1, TWO = 7, HIGH = 0x12345678 };\n"
    "struct inner { int pad; long deep; };\n"
    "struct object { long before; union { struct { char c; unsigned long wide; };\n"
    "	int other; }; struct inner in[4]; unsigned int low : 3, high : 7;\n"
    "	int minus : 5; short *text; struct object *next; int grown; };\n"
    "struct object o; enum state s;\n"
    "typedef struct { int a, b; } pair_t; pair_t p;\n";

/* As an older kernel had it, under a flavour of its own. */
static const char program[] =
    "#define CORE __attribute__((preserve_access_index))\n"
    "enum state___mine { ONE___mine = 3, TWO___mine = 4, THREE = 5 };\n"
    "struct inner { int pad; long deep; } CORE;\n"
    "struct object___old { unsigned int wide; struct inner in[4]; unsigned int high : 7;\n"
    "	int minus : 5; short *text; int gone; struct inner *next; long text2; int grown[2]; } "
    "CORE;\n"
    "struct nowhere { int a; } CORE;\n"
    "struct inner___same { int pad; } CORE;\n"
    "struct inner___more { int pad; int more; } CORE;\n"
    "typedef struct { int b, a; } pair_t;\n"
    "#define FIELD(f, n) __builtin_preserve_field_info(o->f, n)\n"
    "#define TYPE(t, n) __builtin_preserve_type_info(*(t *)0, n)\n"
    "#define VALUE(v, n) __builtin_preserve_enum_value(*(typeof(enum state___mine) *)v, n)\n"
    "#define ANSWER(n, value) __attribute__((section(\"xdp\"))) long f##n("
    "struct object___old *o, struct nowhere *w) { return value; }\n"
    "ANSWER(0, FIELD(in[2].deep, 0))\n"
    "ANSWER(1, FIELD(wide, 1))\n"
    "ANSWER(2, FIELD(text, 2))\n"
    "ANSWER(3, FIELD(gone, 2))\n"
    "ANSWER(4, FIELD(minus, 3))\n"
    "ANSWER(5, FIELD(high, 3))\n"
    "ANSWER(6, FIELD(high, 4))\n"
    "ANSWER(7, FIELD(high, 5))\n"
    "ANSWER(8, FIELD(high, 0))\n"
    "ANSWER(9, FIELD(gone, 0))\n"
    "ANSWER(10, TYPE(struct nowhere, 0))\n"
    "ANSWER(11, TYPE(struct object___old, 0))\n"
    "ANSWER(12, TYPE(struct object___old, 1))\n"
    "ANSWER(13, TYPE(struct inner___same, 2))\n"
    "ANSWER(14, TYPE(struct inner___more, 2))\n"
    "ANSWER(15, VALUE(TWO___mine, 0))\n"
    "ANSWER(16, VALUE(TWO___mine, 1))\n"
    "ANSWER(17, VALUE(THREE, 0))\n"
    "ANSWER(18, VALUE(THREE, 1))\n"
    "ANSWER(19, __builtin_preserve_field_info(w->a, 0))\n"
    "ANSWER(20, TYPE(pair_t, 1))\n"
    "ANSWER(21, __builtin_preserve_type_info(*(struct inner *)0, 1))\n"
    "ANSWER(22, o->wide)\n"
    "ANSWER(23, FIELD(grown, 2))\n"
    "ANSWER(24, FIELD(next, 0))\n";

static void compile(const char *name, const char *text)
{
	char command[256];

	case_write(name, text);
	snprintf(command, sizeof command, CLANG "%s -o %s.o", name, name);
	assert_int_equal(system(command), 0);
}

static char *read_whole(struct arena *arena, const char *path, size_t *size)
{
	FILE *f = fopen(path, "r");
	char *bytes = arena_alloc(arena, 1 << 20);

	assert_non_null(f);
	*size = fread(bytes, 1, 1 << 20, f);
	fclose(f);
	return bytes;
}

static struct bpf_core_host *kernel_of(struct frontend_case *c)
{
	struct elf_object elf;
	const struct elf_section *btf;
	size_t size;
	char *bytes;

	compile("kernel.c", kernel);
	bytes = read_whole(c->arena, "kernel.c.o", &size);
	assert_int_equal(elf_object_read(c->arena, bytes, size, "k", &elf, &c->diag), 0);
	btf = &elf.sections[elf_object_find(&elf, ".BTF")];
	return bpf_core_host_of(c->arena, btf->bytes, btf->size);
}

static const struct bpf_instruction *asking(const struct bpf_object *o, unsigned n)
{
	char name[8];

	snprintf(name, sizeof name, "f%u", n);
	for (size_t f = 0; f < o->function_count; f++)
		for (uint32_t at = o->functions[f].first; at < o->functions[f].end; at++)
			if (!strcmp(o->functions[f].name, name) && o->code[0].instructions[at].core)
				return &o->code[0].instructions[at];
	fail_msg("%s asks nothing", name);
	return NULL;
}

struct expected {
	unsigned n;
	enum bpf_core_outcome outcome;
	int64_t value;
	const char *text;
};

static const struct expected rows[] = {
    {0, BPF_CORE_ANSWERED, 24 + 2 * 16 + 8, "the offset of object___old.in[2].deep"},
    {1, BPF_CORE_ANSWERED, 8, "the size of object___old.wide"},
    {2, BPF_CORE_ANSWERED, 1, "the existence of object___old.text"},
    {3, BPF_CORE_ANSWERED, 0, NULL},
    {4, BPF_CORE_ANSWERED, 1, NULL},
    {5, BPF_CORE_ANSWERED, 0, NULL},
    {6, BPF_CORE_ANSWERED, 64 - 10, NULL}, /* bits 3 to 9 of the word at 88 */
    {7, BPF_CORE_ANSWERED, 64 - 7, NULL},
    {8, BPF_CORE_ANSWERED, 88, NULL},
    {9, BPF_CORE_ABSENT, 0, NULL},
    {10, BPF_CORE_ANSWERED, 0, "the existence of nowhere"},
    {11, BPF_CORE_ANSWERED, 1, NULL},
    {12, BPF_CORE_ANSWERED, 120, NULL},
    {13, BPF_CORE_ANSWERED, 1, NULL},
    {14, BPF_CORE_ANSWERED, 0, NULL},
    {15, BPF_CORE_ANSWERED, 1, "the existence of TWO___mine"},
    {16, BPF_CORE_ANSWERED, 7, NULL},
    {17, BPF_CORE_ANSWERED, 0, NULL},
    {18, BPF_CORE_ABSENT, 0, NULL},
    {19, BPF_CORE_NO_TYPE, 0, NULL},
    {20, BPF_CORE_ANSWERED, 8, NULL},
    {22, BPF_CORE_ANSWERED, 16, NULL},
    {23, BPF_CORE_ANSWERED, 0, NULL}, /* no array there */
    {24, BPF_CORE_ANSWERED, 104, NULL},
};

static void test_answers(void **state)
{
	struct frontend_case c = case_open();
	struct bpf_core_host *host = kernel_of(&c);
	struct bpf_object o;
	size_t size;
	char *bytes;

	compile("program.c", program);
	bytes = read_whole(c.arena, "program.c.o", &size);
	assert_int_equal(bpf_object_read(c.arena, bytes, size, "p", &o, &c.diag), 0);
	bpf_object_resolve(&o, host);
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		const struct bpf_instruction *i = asking(&o, rows[r].n);
		int64_t put = BPF_CLASS(i->code) == BPF_LDX  ? i->offset
			      : BPF_CLASS(i->code) == BPF_LD ? i->wide
							     : i->imm;

		if (i->core->answer.outcome != rows[r].outcome ||
		    (rows[r].outcome == BPF_CORE_ANSWERED && put != rows[r].value))
			fail_msg("f%u: outcome %d, value %lld", rows[r].n, i->core->answer.outcome,
				 (long long)put);
		if (rows[r].text)
			assert_string_equal(bpf_core_text(c.arena, &o.types, &i->core->question),
					    rows[r].text);
	}
	/* What is 4 bytes in the object and 8 in the kernel is read as 8. */
	assert_int_equal(BPF_SIZE(asking(&o, 22)->code), BPF_DW);
	assert_null(asking(&o, 22)->core->fault);
	case_close(&c);
}

static void test_no_kernel(void **state)
{
	struct frontend_case c = case_open();
	struct bpf_object o;
	size_t size;
	char *bytes;

	compile("program.c", program);
	bytes = read_whole(c.arena, "program.c.o", &size);
	assert_int_equal(bpf_object_read(c.arena, bytes, size, "p", &o, &c.diag), 0);
	bpf_object_resolve(&o, bpf_core_host_of(c.arena, "none", 4));
	assert_int_equal(asking(&o, 0)->core->answer.outcome, BPF_CORE_NO_KERNEL);
	c.diag.out = stdout;
	assert_null(bpf_core_host_open(c.arena, "program.c", &c.diag));
	assert_int_equal(c.diag.errors, 1);
	case_close(&c);
}

static void test_names(void **state)
{
	assert_true(bpf_core_same_name("sock___old", "sock"));
	assert_true(bpf_core_same_name("sock___old", "sock___new"));
	assert_false(bpf_core_same_name("sock___old", "socks"));
	assert_int_equal(bpf_core_name_length("a___b___c"), 5);
	assert_int_equal(bpf_core_name_length("___b"), 4);
	assert_int_equal(bpf_core_name_length("a___"), 4);
	assert_int_equal(bpf_core_name_length("a____b"), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers),
					   cmocka_unit_test(test_no_kernel),
					   cmocka_unit_test(test_names)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
