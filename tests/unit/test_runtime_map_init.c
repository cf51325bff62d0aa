/* Start state files: every way to write a value, and every mistake with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "bundle/bundle.h"
#include "runtime/map.h"
#include "runtime/map_fill.h"
#include "runtime/map_init.h"
#include "runtime/packet_list.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/file.h"
#include "support/process.h"

static const char source[] =
    "#include <linux/bpf.h>\n"
    "#include <linux/in6.h>\n"
    "#include <bpf/bpf_helpers.h>\n"
    "struct key { __be32 addr; __be16 port; __u8 proto, pad; };\n"
    "struct value { char name[8]; __u8 mac[6]; __s16 delta; struct in6_addr six; __u64 big;\n"
    "  union { __u32 word; __be32 be; }; __u32 list[3]; __u32 low : 4, high : 28; };\n"
    "struct prefix { __u32 length; __u8 addr[4]; };\n"
    "enum mode { MODE_A = 3, MODE_B };\n"
    "struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16); __type(key, struct key);\n"
    "  __type(value, struct value); } flows SEC(\".maps\");\n"
    "struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 16);\n"
    "  __uint(map_flags, 1); __type(key, struct prefix); __type(value, __u32); } routes "
    "SEC(\".maps\");\n"
    "struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 4);\n"
    "  __type(key, __u32); __type(value, __u64); } counts SEC(\".maps\");\n"
    "struct { __uint(type, BPF_MAP_TYPE_DEVMAP); __uint(max_entries, 4);\n"
    "  __uint(key_size, 4); __uint(value_size, 4); } ports SEC(\".maps\");\n"
    "const volatile __u32 timeout_s; enum mode mode = MODE_A;\n"
    "SEC(\"xdp\") int nf(struct xdp_md *ctx) { return (int)timeout_s + mode; }\n";

struct fixture {
	struct bundle *bundle;
	char folder[32], object[64], json[64];
	char *errors;
};

static int make(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	char c_path[64], *bytes, *errors;
	struct process p;
	size_t size;

	strcpy(f->folder, "/tmp/cleave-init-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(c_path, sizeof c_path, "%s/nf.bpf.c", f->folder);
	snprintf(f->object, sizeof f->object, "%s/nf.bpf.o", f->folder);
	snprintf(f->json, sizeof f->json, "%s/init.json", f->folder);
	assert_int_equal(file_write_atomic(c_path, source, sizeof source - 1), 0);
	f->bundle = bundle_new();
	assert_int_equal(process_start(&p, (char *const[]){"clang-19", "-target", "bpf", "-g",
							   "-O2", "-I/usr/include/x86_64-linux-gnu",
							   "-c", c_path, "-o", f->object, NULL}),
			 0);
	if (process_wait(&p, f->bundle->arena, &errors))
		fail_msg("clang: %s", errors);
	assert_int_equal(file_read(f->bundle->arena, f->object, &bytes, &size), 0);
	bundle_add(f->bundle, BUNDLE_MEMBER_SOURCE, bytes, size);
	f->bundle->maps = arena_array(f->bundle->arena, 4, sizeof *f->bundle->maps);
	f->bundle->map_count = 4;
	f->bundle->maps[0] = (struct bundle_map){"flows", 1, 8, 64, 16, 0, MAP_HOME_USER};
	f->bundle->maps[1] = (struct bundle_map){"routes", 11, 8, 4, 16, 1, MAP_HOME_USER};
	f->bundle->maps[2] = (struct bundle_map){"counts", 6, 4, 8, 4, 0, MAP_HOME_USER};
	f->bundle->maps[3] = (struct bundle_map){"ports", 14, 4, 4, 4, 0, MAP_HOME_USER};
	f->bundle->globals = arena_array(f->bundle->arena, 2, sizeof *f->bundle->globals);
	f->bundle->global_count = 2;
	f->bundle->globals[0] = (struct bundle_global){"timeout_s", ".rodata", 4, true};
	f->bundle->globals[1] = (struct bundle_global){"mode", ".data", 4, false};
	unlink(c_path);
	*state = f;
	return 0;
}

static int drop(void **state)
{
	struct fixture *f = *state;

	unlink(f->object);
	unlink(f->json);
	rmdir(f->folder);
	bundle_free(&f->bundle);
	free(f->errors);
	free(f);
	return 0;
}

static int read_text(struct fixture *f, const char *text, struct map_init *init)
{
	struct diag diag = {.prog = "test"};
	size_t size;
	int err;

	free(f->errors);
	f->errors = NULL;
	diag.out = open_memstream(&f->errors, &size);
	assert_int_equal(file_write_atomic(f->json, text, strlen(text)), 0);
	err = map_init_read(init, f->bundle->arena, f->json, f->bundle, &diag);
	fclose(diag.out);
	return err;
}

#define FLOW "\"key\": {\"addr\": \"10.0.0.1\", \"port\": 80}"

static void values_in_every_form(void **state)
{
	static const uint8_t key[8] = {10, 0, 0, 1, 0, 80, 6, 0};
	struct map_init init;
	const uint8_t *v;

	if (read_text(
		*state,
		"{\"flows\": [{\"key\": {\"addr\": \"10.0.0.1\", \"port\": 80, \"proto\": 6},\n"
		"\"value\": {\"name\": \"web\", \"mac\": \"02:00:00:00:00:07\", \"delta\": -2,\n"
		"\"six\": \"2001:db8::9\", \"big\": \"0xffffffffffffffff\", \"be\": 1,\n"
		"\"list\": [1, 2], \"low\": 5, \"high\": 1}}],\n"
		"\"routes\": [{\"key\": {\"prefix\": \"10.1.0.0/16\"}, \"value\": 7}],\n"
		"\"counts\": [{\"key\": 1, \"value\": 9}],\n"
		"\"ports\": [{\"key\": 1, \"value\": 3}],\n"
		"\"globals\": {\"timeout_s\": 30, \"mode\": \"MODE_B\"}}",
		&init))
		fail_msg("%s", ((struct fixture *)*state)->errors);
	assert_int_equal(init.entry_count, 4);
	assert_memory_equal(init.entries[0].key, key, 8);
	v = init.entries[0].value;
	assert_memory_equal(v, "web\0\0\0\0\0\x02\0\0\0\0\x07\xfe\xff", 16);
	assert_memory_equal(v + 16, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09", 16);
	assert_memory_equal(v + 32, "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\1", 12);
	assert_memory_equal(v + 44, "\1\0\0\0\2\0\0\0\0\0\0\0\x15\0\0\0", 16);
	assert_memory_equal(init.entries[1].key, "\x10\0\0\0\x0a\1\0\0", 8);
	assert_memory_equal(init.entries[1].value, "\7\0\0\0", 4);
	assert_int_equal(init.entries[3].map, 3);
	assert_int_equal(init.global_count, 2);
	assert_memory_equal(init.globals[0].bytes, "\x1e\0\0\0", 4);
	assert_memory_equal(init.globals[1].bytes, "\4\0\0\0", 4);
}

static void mistakes_have_lines(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
	    {"{\n\"flow\": []}", ":2: error: the program has no map \"flow\""},
	    {"{\n\"globals\": {\n\"timeout\": 1}}",
	     ":3: error: the program has no global variable"},
	    {"{\"flows\": [\n{" FLOW ",\n\"value\": {\"nam\": 1}}]}",
	     ":3: error: there is no member \"nam\""},
	    {"{\"flows\": [\n{" FLOW "}]}", ":2: error: an entry needs a \"value\""},
	    {"{\"flows\": [\n{" FLOW ", \"valu\": 1}]}", ":2: error: an entry has"},
	    {"{\"flows\": [{\"key\": {\n\"port\": 65536}, \"value\": {}}]}",
	     ":2: error: the number does not fit into 2 bytes"},
	    {"{\"flows\": [{" FLOW ", \"value\": {\"list\": [1,\n2,3,4]}}]}", "3 elements, not 4"},
	    {"{\"flows\": [{" FLOW ", \"value\": {\"name\": \"123456789\"}}]}",
	     "longer than 8 bytes"},
	    {"{\"routes\": [{\"key\": {\"prefix\": \"10.0.0.0/33\"}, \"value\": 1}]}",
	     "not an IPv4 prefix"},
	    {"{\"counts\": [{\"key\": 1,\n\n\"value\": \"x\"}]}", ":3: error: expected a number"},
	    {"{\n\"counts\": [\n{]}", ":3:"},
	    {"[]", "expected an object"},
	};
	struct fixture *f = *state;
	struct map_init init;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_true(read_text(f, bad[i].text, &init) < 0);
		if (!strstr(f->errors, bad[i].message))
			fail_msg("for %s\nexpected %s\ngot %s", bad[i].text, bad[i].message,
				 f->errors);
	}
}

/* What a map refuses is named by the entry's line, too. */
static void refused_entries_have_lines(void **state)
{
	struct fixture *f = *state;
	struct cleave_map *maps[4] = {NULL};
	struct diag diag = {.prog = "test"};
	struct map_init init;
	size_t size;

	assert_int_equal(read_text(f,
				   "{\"counts\": [{\"key\": 1, \"value\": 9},\n\n"
				   "{\"key\": 4, \"value\": 9}]}",
				   &init),
			 0);
	assert_int_equal(map_new_native(&f->bundle->maps[2], 1, &maps[2]), 0);
	free(f->errors);
	diag.out = open_memstream(&f->errors, &size);
	assert_true(map_init_write(&init, f->bundle, maps, &diag) < 0);
	fclose(diag.out);
	assert_non_null(strstr(f->errors, "init.json:3: error: map \"counts\" does not take"));
	map_free(&maps[2]);
}

/* Ethernet, IPv4 10.0.0.9 to 192.0.2.10, UDP 1025 to 53. */
static const uint8_t frame[] = {2,    0, 0,   0,  0, 7,  2, 0, 0,  0,  0, 8, 8,  0,
				0x45, 0, 0,   28, 0, 1,  0, 0, 64, 17, 0, 0, 10, 0,
				0,    9, 192, 0,  2, 10, 4, 1, 0,  53, 0, 8, 0,  0};

static void same_entries(const struct map_init *a, const struct map_init *b,
			 const struct bundle *bundle)
{
	assert_int_equal(a->entry_count, b->entry_count);
	for (size_t i = 0; i < a->entry_count; i++) {
		const struct bundle_map *map = &bundle->maps[a->entries[i].map];

		assert_int_equal(a->entries[i].map, b->entries[i].map);
		assert_memory_equal(a->entries[i].key, b->entries[i].key, map->key_size);
		assert_memory_equal(a->entries[i].value, b->entries[i].value, map->value_size);
	}
}

/* Keys are a packet's fields; the same seed draws the same; what is saved can be read again. */
static void drawn_entries(void **state)
{
	static const uint8_t flow[] = {10, 0, 0, 9, 0, 53, 17};
	struct fixture *f = *state;
	struct packet_list packets = {0};
	struct map_fill fill = {.elements = 8, .seed = 3, .packets = &packets};
	struct map_init first = {0}, second = {0}, read;
	struct diag diag = {.out = stderr, .prog = "test"};
	unsigned flows = 0;

	packet_list_add(&packets, frame, sizeof frame, 2, 0);
	assert_int_equal(map_fill_add(&first, f->bundle->arena, f->bundle, &fill, &diag), 0);
	assert_int_equal(map_fill_add(&second, f->bundle->arena, f->bundle, &fill, &diag), 0);
	same_entries(&first, &second, f->bundle);
	assert_int_equal(first.entry_count, 8 + 8 + 4 + 4);
	for (size_t i = 0; i < first.entry_count; i++)
		flows += first.entries[i].map == 0 && !memcmp(first.entries[i].key, flow, 7);
	assert_in_range(flows, 1, 7);
	assert_int_equal(map_fill_save(f->json, &first, f->bundle, &diag), 0);
	assert_int_equal(map_init_read(&read, f->bundle->arena, f->json, f->bundle, &diag), 0);
	same_entries(&first, &read, f->bundle);
	fill.seed = 4;
	second = (struct map_init){0};
	assert_int_equal(map_fill_add(&second, f->bundle->arena, f->bundle, &fill, &diag), 0);
	assert_memory_not_equal(first.entries[0].value, second.entries[0].value, 64);
	packet_list_free(&packets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_in_every_form),
	    cmocka_unit_test(mistakes_have_lines),
	    cmocka_unit_test(refused_entries_have_lines),
	    cmocka_unit_test(drawn_entries),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
