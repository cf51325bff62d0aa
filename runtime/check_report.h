/* What cleaved check prints: a line for each variant, and everything about a mismatch. */
#ifndef CLEAVE_RUNTIME_CHECK_REPORT_H
#define CLEAVE_RUNTIME_CHECK_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "runtime/check_run.h"

struct packet_list;

/* A variant that was checked. */
struct check_variant {
	const char *path;
	const struct bundle *bundle;
	bool native_oracle;
	const char *refusal; /* why the kernel cannot run the program whole; native_oracle only */
	struct check_result result;
	const struct packet_list *shortest; /* of a mismatch; NULL: none */
	size_t shrunk_from;
	const char *saved;   /* where it was written; NULL: it could not be */
	const char *options; /* of this check that matter for its repetition */
};

void check_report_text(FILE *out, const struct check_variant *variant);
json_t *check_report_json(const struct check_variant *variant);

#endif
