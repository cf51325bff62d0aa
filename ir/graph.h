/* Analyses of the graph alone. */
#ifndef CLEAVE_IR_GRAPH_H
#define CLEAVE_IR_GRAPH_H

#include "ir/ir.h"

/* Immediate dominators: idom[0] == 0; an arena array of block indices. */
int *ir_compute_dominators(const struct ir_program *program);
bool ir_dominates(const int *idom, int a, int b);

/* Static block frequencies from the edges' probabilities, as flow from one packet at the start. */
void ir_compute_frequencies(struct ir_program *program);
/* Sets the probabilities from branch weights and the shape of the code, then the frequencies. */
void ir_guess_frequencies(struct ir_program *program);

#endif
