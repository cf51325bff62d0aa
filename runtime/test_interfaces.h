/*
 * A network namespace of its own for this process, with an interface for every index that packets
 * arrive on or maps name, so that a program sees the indices it expects and nothing of the host is
 * touched. The interfaces go when the process ends.
 */
#ifndef CLEAVE_RUNTIME_TEST_INTERFACES_H
#define CLEAVE_RUNTIME_TEST_INTERFACES_H

#include <stdint.h>

struct diag;

/* Moves the calling thread. Returns 0 or a negative errno, reported. */
int test_interfaces_enter(struct diag *diag);
/* Makes the interface unless there is one; 1 is always there. Returns 0 or a negative errno,
 * reported. */
int test_interfaces_add(uint32_t ifindex, struct diag *diag);

#endif
