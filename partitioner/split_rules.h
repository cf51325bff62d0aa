/* What --split asks, as a rule for every edge; and why it cannot be had. */
#ifndef CLEAVE_PARTITIONER_SPLIT_RULES_H
#define CLEAVE_PARTITIONER_SPLIT_RULES_H

#include "partitioner/search.h"

/* Fills in one rule per edge. Returns 0, or -EINVAL with an error at the source line. */
int split_rules(const struct ir_program *program, const struct target *target, struct split split,
		enum edge_rule *rules, struct diag *diag);

/* Reports why there is no plan for the split in that order; always -EINVAL. relaxed: there is one
 * in relaxed order. */
int split_refuse(const struct ir_program *program, const struct target *target, struct split split,
		 bool strict, bool relaxed, struct diag *diag);

#endif
