/* `cleave bundle show`: all that a reader wants to know is there, in plain words. */
#include "tests/unit/bundle_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void test_says_it_all(void **state)
{
	static const char *const expected[] = {
	    "nf_main (xdp) from nf.bpf.c, made by cleave 0.1.0\n",
	    "split          auto, strict order\n",
	    "user part      for x86_64, tuned for skylake\n",
	    "kernel needed  Linux 5.18.0 or later\n",
	    "with features  xdp, af_xdp, mmapable arrays\n",
	    "The kernel alone cannot run the source:\n    nf.bpf.c:77: this loop has no bound",
	    "  flows: hash, key 16 bytes, value 24 bytes, 4096 entries\n    home shared values (",
	    "), 9216 slots\n    because both sides touch it\n",
	    "    because per-CPU counters\n    read by others\n",
	    "  limit: 4 bytes in .rodata, constant\n",
	    "  entry 0, before nf.bpf.c:31: 24 bytes handed over, only while the packet's key",
	    "  entry 1, before src/nf.bpf.c:77: 40 bytes handed over\n",
	    "    bytes  16 to  20  packet offset  payload\n",
	    "  ir.bc                  4 bytes  sha256 ",
	};
	struct bundle *b = sample_bundle();
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	bundle_print(b, out);
	fclose(out);
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
		if (!strstr(text, expected[i]))
			fail_msg("not printed: %s\n%s", expected[i], text);
	free(text);
	bundle_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_says_it_all)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
