/* check and replay on a split made by hand: right, and wrong in seven ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "runtime/check_run.h"
#include "runtime/commands.h"
#include "runtime/packet_list.h"
#include "runtime/pcap_file.h"
#include "support/exit_codes.h"
#include "tests/check/count_bundle.h"

struct place {
	struct arena *arena;
	char folder[32];
	const char *out, *pcap, *saved, *init;
};

static int make(void **state)
{
	struct place *p = calloc(1, sizeof *p);
	static const char init[] = "{\"answers\": [{\"key\": 0, \"value\": 5}],\n"
				   "\"sources\": [{\"key\": \"10.0.0.3\", \"value\": "
				   "{\"packets\": 7}}], \"globals\": {\"scans\": 2}}";

	strcpy(p->folder, "/tmp/cleave-check-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	p->arena = arena_new();
	p->out = arena_printf(p->arena, "%s/out", p->folder);
	p->pcap = arena_printf(p->arena, "%s/out.pcap", p->folder);
	p->saved = arena_printf(p->arena, "%s/bad.pcap", p->folder);
	p->init = arena_printf(p->arena, "%s/init.json", p->folder);
	assert_int_equal(file_write_atomic(p->init, init, sizeof init - 1), 0);
	*state = p;
	return 0;
}

static int drop(void **state)
{
	struct place *p = *state;

	remove(p->out);
	remove(p->pcap);
	remove(p->saved);
	remove(p->init);
	remove(arena_printf(p->arena, "%s/count.cleave", p->folder));
	remove(arena_printf(p->arena, "%s/whole.cleave", p->folder));
	rmdir(p->folder);
	arena_free(&p->arena);
	free(p);
	return 0;
}

/* In a child of its own: check moves its process to a network namespace and one CPU. */
static int command(struct place *p, int (*main)(int, char **), char **argv, char **text)
{
	int argc = 0, status;
	pid_t child = fork();

	while (argv[argc])
		argc++;
	if (!child) {
		if (!freopen(p->out, "w", stdout))
			_exit(99);
		status = main(argc, argv);
		fflush(stdout);
		_exit(status);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(file_read(p->arena, p->out, text, NULL), 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int check(struct place *p, int wrong, const char *extra, char **text)
{
	const char *bundle = count_write(p->arena, p->folder, wrong, false, true);
	char *argv[] = {(char *)"check",
			(char *)"--packets",
			(char *)"3000",
			(char *)"--save-mismatch",
			(char *)p->saved,
			(char *)"--map-init",
			(char *)p->init,
			(char *)"--delay",
			(char *)(extra ? extra : "0"),
			(char *)bundle,
			NULL};

	return command(p, check_main, argv, text);
}

static void right_split_has_no_mismatch(void **state)
{
	char *text;

	assert_int_equal(check(*state, 0, NULL, &text), 0);
	assert_non_null(strstr(text, "3000 packets, "));
	assert_non_null(strstr(text, " 0 mismatches"));
	assert_null(strstr(text, " 0 handed over"));
	assert_int_equal(check(*state, 0, "7", &text), 0);
	assert_non_null(strstr(text, " 0 mismatches"));
	assert_non_null(strstr(text, " packets were in flight at a time"));
}

static void wrong_bytes_are_named_by_field(void **state)
{
	struct place *p = *state;
	struct packet_list list = {0};
	struct diag diag = {.out = stderr, .prog = "test"};
	char *text;

	assert_int_equal(check(p, 1, NULL, &text), EXIT_CLEAVE_INPUT);
	assert_non_null(strstr(text, "1 mismatch\n"));
	assert_non_null(strstr(text, "to 1 packet, seen after packet 1:"));
	assert_non_null(strstr(text, "ipv4.ttl: oracle 63, here 64"));
	assert_int_equal(pcap_file_read(p->saved, &list, &diag), 0);
	assert_int_equal(list.count, 1);
	packet_list_free(&list);
}

static void wrong_map_is_named(void **state)
{
	char *text;

	assert_int_equal(check(*state, 2, NULL, &text), EXIT_CLEAVE_INPUT);
	assert_non_null(strstr(text, "to 1 packet"));
	assert_non_null(strstr(text, "map \"answers\" (shared array), key 00000000"));
	assert_non_null(strstr(text, "oracle 06000000 00000000"));
	assert_non_null(strstr(text, "here   05000000 00000000"));
}

static void wrong_verdict_shrinks_to_its_bytes(void **state)
{
	char *text;

	assert_int_equal(check(*state, 3, NULL, &text), EXIT_CLEAVE_INPUT);
	assert_non_null(strstr(text, "verdict: oracle XDP_TX, here XDP_PASS (in user, entry 1)"));
}

static void crash_is_a_mismatch(void **state)
{
	char *text;

	assert_int_equal(check(*state, 4, NULL, &text), EXIT_CLEAVE_INPUT);
	assert_non_null(strstr(text, "to 1 packet, seen after packet 1:"));
	assert_non_null(strstr(text, "verdict: oracle XDP_TX, here a crash (in user, entry 1)"));
}

/* Right for one packet at a time; with packets in flight the kernel part is ahead of answers. */
static void overtaking_is_a_mismatch(void **state)
{
	char *text;

	assert_int_equal(check(*state, 5, "0", &text), 0);
	assert_int_equal(check(*state, 5, "32", &text), EXIT_CLEAVE_INPUT);
	assert_non_null(strstr(text, "to 2 packets, seen after packet 2:"));
	assert_non_null(strstr(text, "verdict: oracle XDP_PASS, here XDP_DROP"));
}

static void redirect_elsewhere_is_a_mismatch(void **state)
{
	char *text;

	assert_int_equal(check(*state, 6, NULL, &text), EXIT_CLEAVE_INPUT);
	assert_non_null(strstr(text, "to 1 packet, seen after packet 1:"));
	assert_non_null(strstr(text, "redirect: oracle to interface 1"));
	assert_non_null(strstr(text, "here to interface 2"));
}

/* The program as one native piece is the oracle when the kernel refuses it, foreseen or not. */
static void native_oracle_stands_in(void **state)
{
	struct place *p = *state;
	char *text;
	char *argv[] = {
	    (char *)"check",  (char *)"--packets", (char *)"2000",    (char *)"--save-mismatch",
	    (char *)p->saved, (char *)"--dir",     (char *)p->folder, NULL};

	count_write(p->arena, p->folder, 0, true, false);
	count_write(p->arena, p->folder, 0, false, false);
	assert_int_equal(command(p, check_main, argv, &text), 0);
	assert_non_null(strstr(text, "cannot run this program whole (count.bpf.c:80"));
	assert_non_null(strstr(text, "whole.cleave: --split user"));
	assert_non_null(strstr(text, "2000 packets, 2000 handed over, 0 mismatches"));
	count_write(p->arena, p->folder, 3, false, false);
	assert_int_equal(command(p, check_main, argv, &text), EXIT_CLEAVE_INPUT);
	assert_non_null(strstr(text, "verdict: oracle XDP_TX"));
}

/* Too short for the kernel's test run: both parts natively against the whole natively. */
static void short_packets_are_compared_natively(void **state)
{
	struct place *p = *state;
	const uint8_t bytes[60] = {[12] = 8, [14] = 0x45, [22] = 64};
	struct diag diag = {.out = stderr, .prog = "test"};
	struct packet_list in = {0};
	char *text;
	char *argv[] = {(char *)"check",  (char *)"--native", (char *)"--save-mismatch",
			(char *)p->saved, (char *)"--pcap",   (char *)p->pcap,
			(char *)"--dir",  (char *)p->folder,  NULL};

	for (uint32_t size = 0; size < 16; size++)
		packet_list_add(&in, bytes, size, 1, 1000 * (size + 1));
	assert_int_equal(pcap_file_write(p->pcap, &in, &diag), 0);
	packet_list_free(&in);
	count_write(p->arena, p->folder, 0, true, true);
	count_write(p->arena, p->folder, 0, false, true);
	assert_int_equal(command(p, check_main, argv, &text), 0);
	assert_non_null(strstr(text, "2 packets, 0 handed over, 0 mismatches"));
	assert_non_null(strstr(text, "14 packets below 14 bytes"));
	assert_null(strstr(text, "left out"));
	count_write(p->arena, p->folder, 7, false, true);
	assert_int_equal(command(p, check_main, argv, &text), EXIT_CLEAVE_INPUT);
	assert_non_null(strstr(text, "verdict: oracle XDP_PASS, here XDP_DROP"));
}

static void replay_agrees_with_check(void **state)
{
	struct place *p = *state;
	const char *bundle = count_write(p->arena, p->folder, 0, false, true);
	const uint8_t get[60] = {
	    [12] = 8, [14] = 0x45, [22] = 64, [23] = 17, [29] = 1, [37] = 80, [45] = 'G'};
	const uint8_t other[60] = {[12] = 8, [14] = 0x45, [22] = 1};
	struct diag diag = {.out = stderr, .prog = "test"};
	struct packet_list in = {0}, out = {0};
	char *text;
	char *argv[] = {(char *)"replay", (char *)bundle,  (char *)"--pcap", (char *)p->saved,
			(char *)"-w",     (char *)p->pcap, (char *)"--json", NULL};

	packet_list_add(&in, get, sizeof get, 1, 1000);
	packet_list_add(&in, other, sizeof other, 1, 2000);
	assert_int_equal(pcap_file_write(p->saved, &in, &diag), 0);
	assert_int_equal(command(p, replay_main, argv, &text), 0);
	assert_non_null(strstr(text, "\"handed_over\": 1"));
	assert_int_equal(pcap_file_read(p->pcap, &out, &diag), 0);
	assert_int_equal(out.count, 1);
	assert_int_equal(out.packets[0].bytes[22], 63);
	packet_list_free(&in);
	packet_list_free(&out);
}

static void bad_input_has_its_exit_code(void **state)
{
	struct place *p = *state;
	char *text;
	char *none[] = {(char *)"check", NULL};
	char *missing[] = {(char *)"check", (char *)"/nonexistent.cleave", NULL};
	char *number[] = {(char *)"check", (char *)"--packets", (char *)"x", (char *)"a", NULL};
	char *no_pcap[] = {(char *)"replay", (char *)"/nonexistent.cleave", NULL};

	assert_int_equal(command(p, check_main, none, &text), EXIT_CLEAVE_USAGE);
	assert_int_equal(command(p, check_main, missing, &text), EXIT_CLEAVE_INPUT);
	assert_int_equal(command(p, check_main, number, &text), EXIT_CLEAVE_USAGE);
	assert_int_equal(command(p, replay_main, no_pcap, &text), EXIT_CLEAVE_USAGE);
}

int main(void)
{
	const struct CMUnitTest kernel_tests[] = {
	    cmocka_unit_test_setup_teardown(right_split_has_no_mismatch, make, drop),
	    cmocka_unit_test_setup_teardown(wrong_bytes_are_named_by_field, make, drop),
	    cmocka_unit_test_setup_teardown(wrong_map_is_named, make, drop),
	    cmocka_unit_test_setup_teardown(wrong_verdict_shrinks_to_its_bytes, make, drop),
	    cmocka_unit_test_setup_teardown(crash_is_a_mismatch, make, drop),
	    cmocka_unit_test_setup_teardown(overtaking_is_a_mismatch, make, drop),
	    cmocka_unit_test_setup_teardown(redirect_elsewhere_is_a_mismatch, make, drop),
	    cmocka_unit_test_setup_teardown(native_oracle_stands_in, make, drop),
	    cmocka_unit_test_setup_teardown(short_packets_are_compared_natively, make, drop),
	};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(replay_agrees_with_check, make, drop),
	    cmocka_unit_test_setup_teardown(bad_input_has_its_exit_code, make, drop),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (failed)
		return failed;
	if (geteuid()) {
		puts("skipped: loading programs into the kernel needs root");
		return 77;
	}
	return cmocka_run_group_tests(kernel_tests, NULL, NULL);
}
