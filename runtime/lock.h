/*
 * One agent per interface: a file under /run/cleave, locked as long as its agent lives. The kernel
 * drops the lock when the agent dies, so a free lock with pins behind it means a crash.
 */
#ifndef CLEAVE_RUNTIME_LOCK_H
#define CLEAVE_RUNTIME_LOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RUN_FOLDER "/run/cleave"

/* RUN_FOLDER/<network namespace>-<ifname>.<suffix> */
void lock_path(char *path, size_t size, const char *ifname, const char *suffix);

/*
 * Returns the descriptor that holds the lock, -EBUSY with *owner set to the pid of the agent that
 * has it (0 if unknown), or another negative errno.
 */
int lock_take(const char *ifname, pid_t *owner);
void lock_release(int fd, const char *ifname);

/* Is there a living agent on the interface? Its pid, 0 when there is none. */
pid_t lock_owner(const char *ifname);

#endif
