/*
 * The best plan in which every block is in one layer only, as a minimum cut: exact for that
 * question, the homes of maps included, and a good start for the search, which may also put a block
 * in both.
 */
#ifndef CLEAVE_PARTITIONER_LABEL_CUT_H
#define CLEAVE_PARTITIONER_LABEL_CUT_H

#include "partitioner/pricing.h"

/* Fills in which edges are cut; returns the cost, INFINITY when there is no such plan. */
double label_cut(struct pricing *pricing, bool *cut);

#endif
