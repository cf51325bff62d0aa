/* `cleaved probe`: the findings about this host as text or JSON. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "runtime/commands.h"
#include "runtime/host_probe.h"
#include "support/exit_codes.h"

static const char *const grade_text[] = {"good", "hint", "bad"};

static void print_text(const struct findings *f)
{
	for (unsigned i = 0; i < f->count; i++) {
		const struct finding *it = &f->list[i];

		printf("%-5s %-14s %s\n", grade_text[it->grade], it->subject, it->value);
		if (it->advice[0])
			printf("%20s %s\n", "", it->advice);
	}
}

static void print_json(const struct findings *f)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < f->count; i++) {
		const struct finding *it = &f->list[i];

		json_array_append_new(array,
				      json_pack("{s:s, s:s, s:s, s:s}", "grade",
						grade_text[it->grade], "subject", it->subject,
						"value", it->value, "advice", it->advice));
	}
	json_dumpf(array, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(array);
}

int probe_main(int argc, char **argv)
{
	struct findings findings;
	const char *ifname = NULL;
	bool as_json = false, bad = false;
	int err;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			as_json = true;
		} else if (argv[i][0] != '-' && !ifname) {
			ifname = argv[i];
		} else {
			bool help = !strcmp(argv[i], "--help") || !strcmp(argv[i], "-h");

			fputs("usage: cleaved probe [INTERFACE] [--json]\n",
			      help ? stdout : stderr);
			return help ? EXIT_CLEAVE_OK : EXIT_CLEAVE_USAGE;
		}
	}
	err = host_probe(&findings, ifname);
	if (as_json)
		print_json(&findings);
	else
		print_text(&findings);
	if (err) {
		fprintf(stderr,
			"cleaved: error: there is no interface `%s` in this network namespace\n",
			ifname);
		return EXIT_CLEAVE_HOST;
	}
	for (unsigned i = 0; i < findings.count; i++)
		bad |= findings.list[i].grade == FINDING_BAD;
	return bad ? EXIT_CLEAVE_HOST : EXIT_CLEAVE_OK;
}
