/* What this host can do for Cleave, in plain words. Needs no privilege, but learns more with it. */
#ifndef CLEAVE_RUNTIME_HOST_PROBE_H
#define CLEAVE_RUNTIME_HOST_PROBE_H

#include <stdbool.h>

enum finding_grade {
	FINDING_GOOD,
	FINDING_HINT, /* works, could be better */
	FINDING_BAD,  /* an agent cannot run, or not as it should */
};

struct finding {
	enum finding_grade grade;
	const char *subject;
	char value[128];
	char advice[256]; /* what to do; empty when all is well */
};

enum { FINDINGS_MAX = 32 };

struct findings {
	struct finding list[FINDINGS_MAX];
	unsigned count;
};

/* ifname may be NULL. Returns 0, or -ENODEV when there is no such interface. */
int host_probe(struct findings *findings, const char *ifname);

#endif
