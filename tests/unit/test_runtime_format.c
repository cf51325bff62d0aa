/* Text by the user layer's helpers against the kernel's: the same bytes, lengths, numbers,
 * errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel_call.h"
#include "runtime/format.h"

enum { FORMAT_BYTES = 64, ARGUMENTS = 8, TEXT_BYTES = 128 };

static size_t put(char *to, const char *text)
{
	strcpy(to, text);
	return strlen(text);
}

/* Blanks, a sign, a prefix, digits, something behind. */
static size_t make_number(char *text)
{
	static const char *const blanks[] = {"", "", " ", "\t\n", "\xa0 ", "\v\f\r", "\x85"};
	static const char *const signs[] = {"", "", "-", "-", "+", "--", "- "};
	static const char *const prefixes[] = {"", "", "0", "0x", "0X", "0xg", "0b"};
	static const char *const digits[] = {"0123456789", "01234567", "0123456789abcdefABCDEFg"};
	static const char *const edges[] = {
	    "9223372036854775807",  "9223372036854775808",    "9223372036854775809",
	    "18446744073709551615", "18446744073709551616",   "ffffffffffffffff",
	    "8000000000000000",     "1777777777777777777777", "2000000000000000000000"};
	const char *set = digits[draw(3)];
	size_t at = put(text, blanks[draw(7)]);
	uint32_t length = draw(8) ? draw(6) : draw(80);

	at += put(text + at, signs[draw(7)]);
	at += put(text + at, prefixes[draw(7)]);
	if (draw(4) == 0)
		at += put(text + at, edges[draw(9)]);
	else
		for (uint32_t i = 0; i < length; i++)
			text[at++] = set[draw((uint32_t)strlen(set))];
	if (draw(2))
		text[at++] = (char)draw(256);
	return at;
}

static void compare_reading(int helper)
{
	static const uint64_t flags[] = {0, 8, 10, 16, 0, 10, 2, 32, 16 | 1ull << 40};
	struct call c;

	OPEN_CALL(&c, helper, VALUE(BPF_REG_1), ARG32(BPF_REG_2, 0), AND_IMM(BPF_REG_2, 127),
		  LOAD(BPF_DW, BPF_REG_3, BPF_REG_6, AT(flags)), MOV_REG(BPF_REG_4, BPF_REG_6),
		  INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_2, 0, 1, 0), MOV_IMM(BPF_REG_2, 1));
	for (unsigned i = 0; i < 20000; i++) {
		char text[256];
		uint32_t size = (uint32_t)make_number(text);
		uint64_t number = 0;
		int mine;

		size = size > 120 ? 120 : size ? size : 1;
		memcpy(c.order->value, text, size);
		memcpy(c.order->key, &size, 4);
		c.order->kind = ~0ull;
		c.order->flags = flags[draw(9)];
		assert_int_equal(run_xdp(c.prog_fd), XDP_PASS);
		mine = helper == BPF_FUNC_strtol
			   ? format_read_signed(text, size, c.order->flags, (int64_t *)&number)
			   : format_read_unsigned(text, size, c.order->flags, &number);
		if (mine != c.order->result || number != c.order->kind)
			print_error("\"%.*s\", %llu: %d, %llx here; %lld, %llx in the kernel\n",
				    (int)size, text, (unsigned long long)c.order->flags, mine,
				    (unsigned long long)number, (long long)c.order->result,
				    (unsigned long long)c.order->kind);
		assert_int_equal(mine, c.order->result);
		assert_int_equal(number, c.order->kind);
	}
	close_call(&c);
}

static void test_strtol(void **state)
{
	compare_reading(BPF_FUNC_strtol);
}

static void test_strtoul(void **state)
{
	compare_reading(BPF_FUNC_strtoul);
}

enum kind { NUMBERS, ADDRESSES, ANYTHING };

/* Nearly always a good format; not more than ARGUMENTS conversions. */
static void make_format(char *format, enum kind kind)
{
	static const char *const kinds[] = {
	    "d",   "i",   "u", "x",  "X", "ld",  "lu",  "lx",  "lld", "lli",  "llu",
	    "llx", "llX", "c", "px", "s", "pI4", "pi4", "pI6", "pi6", "pks ", "s",
	};
	const uint32_t from = kind == ADDRESSES ? 15 : 0, to = kind == NUMBERS ? 15 : 22;
	static const char *const wrong[] = {"o",  "n",  "hd", "f", "pI5",
					    "pz", "*d", "sx", "L", ".3d"};
	static const char *const plain[] = {"", " ", "ab, ", "%%", "\n", "(", "q%%q", "\t"};
	static const char *const flags[] = {"", "", "", "0", "-", "+", " ", "-0", "+-", "0 "};
	static const char *const widths[] = {"", "", "", "1", "7", "12", "40"};
	uint32_t count = draw(5);
	size_t at = put(format, plain[draw(8)]);

	for (uint32_t i = 0; i < count && at < FORMAT_BYTES - 24; i++) {
		format[at++] = '%';
		at += put(format + at, flags[draw(10)]);
		at += put(format + at, widths[draw(7)]);
		at += put(format + at, draw(60) ? kinds[from + draw(to - from)] : wrong[draw(10)]);
		at += put(format + at, plain[draw(8)]);
	}
	if (draw(50) == 0)
		format[draw((uint32_t)at + 1)] = (char)draw(256);
	format[FORMAT_BYTES - 1] = 0;
}

static void make_arguments(uint64_t *arguments)
{
	static const uint64_t edges[] = {
	    0, 1, 10, 0x80000000, UINT32_MAX, INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX};

	for (unsigned i = 0; i < ARGUMENTS; i++)
		arguments[i] = draw(2) ? edges[draw(8)] : (uint64_t)draw(UINT32_MAX) << draw(32);
}

/* Does it have a conversion that reads through its argument? */
static bool has_pointers(const char *format)
{
	for (; (format = strchr(format, '%')); format++) {
		const char *at = format + 1 + strspn(format + 1, "0+- 123456789");

		if (*at == '%') {
			format = at;
			continue;
		}
		if (*at == 's' || (*at == 'p' && at[1] != 'x'))
			return true;
	}
	return false;
}

/* Any format, and too few arguments at times. Addresses are NULL, which reads as nothing. */
static void test_lengths(void **state)
{
	struct call c;

	OPEN_CALL(&c, BPF_FUNC_trace_vprintk, VALUE(BPF_REG_1), ARG32(BPF_REG_2, 0),
		  AND_IMM(BPF_REG_2, 63), ADD_IMM(BPF_REG_2, 1), VALUE(BPF_REG_3),
		  ADD_IMM(BPF_REG_3, FORMAT_BYTES), ARG32(BPF_REG_4, 1), AND_IMM(BPF_REG_4, 63));
	for (unsigned i = 0; i < 5000; i++) {
		uint32_t sizes[2] = {draw(20) ? FORMAT_BYTES - 1 : draw(FORMAT_BYTES), 8 * draw(8)};
		char format[FORMAT_BYTES * 2], text[1024];
		uint64_t arguments[ARGUMENTS];
		int mine;

		memset(format, 0, sizeof format);
		make_format(format, ANYTHING);
		make_arguments(arguments);
		if (has_pointers(format))
			memset(arguments, 0, sizeof arguments);
		memcpy(c.order->value, format, FORMAT_BYTES);
		memcpy(c.order->value + FORMAT_BYTES, arguments, sizeof arguments);
		memcpy(c.order->key, sizes, sizeof sizes);
		assert_int_equal(run_xdp(c.prog_fd), XDP_PASS);
		mine =
		    format_print(text, sizeof text, format, sizes[0] + 1, arguments, sizes[1] / 8);
		if (mine != c.order->result)
			print_error("\"%s\", %u of it, %u arguments: %d here, %lld in the kernel\n",
				    format, sizes[0] + 1, sizes[1] / 8, mine,
				    (long long)c.order->result);
		assert_int_equal(mine, c.order->result);
	}
	close_call(&c);
}

/* A map whose only element is the format, and can never change. */
static int new_constant(const char *format)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_RDONLY_PROG);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "f", 4, FORMAT_BYTES, 1, &opts);
	uint32_t key = 0;

	assert_int_equal(bpf_map_update_elem(fd, &key, format, 0), 0);
	assert_int_equal(bpf_map_freeze(fd), 0);
	return fd;
}

/* snprintf of order.value into order.key: with addresses, all arguments are where the text goes. */
static void compare_text(const char *format, uint32_t size)
{
	const char *before = "sixteen bytes: \xfe and twenty more, some 0";
	int fd = new_constant(format);
	bool pointers = has_pointers(format);
	uint64_t arguments[ARGUMENTS];
	char text[64], source[64];
	struct call c;
	int mine;

	OPEN_CALL(&c, BPF_FUNC_snprintf, MOV_REG(BPF_REG_1, BPF_REG_6), ADD_IMM(BPF_REG_1, AT(key)),
		  MOV_IMM(BPF_REG_2, (int)size), MAP_VALUE(BPF_REG_3, fd), VALUE(BPF_REG_4),
		  MOV_REG(BPF_REG_7, BPF_REG_6), ADD_IMM(BPF_REG_7, AT(value) + 64),
		  MOV_IMM(BPF_REG_5, 0), LOAD(BPF_DW, BPF_REG_5, BPF_REG_6, AT(flags)),
		  JUMP_EQ(BPF_REG_5, 0, 5), STORE(BPF_DW, BPF_REG_4, 0, BPF_REG_7),
		  STORE(BPF_DW, BPF_REG_4, 8, BPF_REG_7), STORE(BPF_DW, BPF_REG_4, 16, BPF_REG_7),
		  STORE(BPF_DW, BPF_REG_4, 24, BPF_REG_7), STORE(BPF_DW, BPF_REG_4, 32, BPF_REG_7),
		  MOV_IMM(BPF_REG_5, 40));
	make_arguments(arguments);
	memset(source, 0, sizeof source);
	strcpy(source, before + draw(20));
	memset(text, 0x77, sizeof text);
	memcpy(c.order->key, text, sizeof text);
	memcpy(c.order->value, arguments, sizeof arguments);
	memcpy(c.order->value + 64, source, sizeof source);
	c.order->flags = pointers;
	for (unsigned i = 0; i < ARGUMENTS && pointers; i++)
		arguments[i] = (uint64_t)(uintptr_t)source;
	assert_int_equal(run_xdp(c.prog_fd), XDP_PASS);
	mine = format_print(text, size, format, FORMAT_BYTES, arguments, 5);
	mine += mine >= 0;
	if (mine != c.order->result || memcmp(text, c.order->key, sizeof text))
		print_error("\"%s\", %u bytes: %d \"%.64s\" here, %lld \"%.64s\" in the kernel\n",
			    format, size, mine, text, (long long)c.order->result, c.order->key);
	assert_int_equal(mine, c.order->result);
	assert_memory_equal(text, c.order->key, sizeof text);
	close_call(&c);
	close(fd);
}

static void test_texts(void **state)
{
	char format[FORMAT_BYTES * 2];

	for (unsigned i = 0; i < 600;) {
		uint64_t none[ARGUMENTS] = {0};
		char text[8];

		memset(format, 0, sizeof format);
		make_format(format, draw(2) ? NUMBERS : ADDRESSES);
		/* The verifier refuses what the helper would. */
		if (format_print(text, sizeof text, format, FORMAT_BYTES, none, 5) < 0)
			continue;
		compare_text(format, draw(4) ? 64 : 1 + draw(30));
		i++;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_strtol),
	    cmocka_unit_test(test_strtoul),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_texts),
	};

	need_root();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
