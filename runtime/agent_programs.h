/*
 * Arrays of programs that tail calls go through, while the agent runs: what somebody puts into the
 * kernel's array, or takes out of it, user's copy follows within a second. The first interface's
 * array is looked at; whoever changes them changes all.
 */
#ifndef CLEAVE_RUNTIME_AGENT_PROGRAMS_H
#define CLEAVE_RUNTIME_AGENT_PROGRAMS_H

struct agent;
struct agent_programs;
struct map_set;

/* Notes what the arrays hold now. *out is NULL when there are none. Returns 0 or -ENOMEM. */
int agent_programs_new(struct agent_programs **out, const struct agent *agent, struct map_set *set,
		       const int *map_fds);
void agent_programs_free(struct agent_programs **programs);
void agent_programs_follow(struct agent_programs *programs);

#endif
