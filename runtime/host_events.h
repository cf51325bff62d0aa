/*
 * Consumers of event maps: ring buffers, and perf buffers of every CPU. One set for the maps of one
 * loaded object.
 *
 *     struct host_events *events;
 *     host_events_open(&events, fds, types, count);   // fds -1 and other types are left out
 *     ... a program runs ...
 *     host_events_take(events, &list);
 */
#ifndef CLEAVE_RUNTIME_HOST_EVENTS_H
#define CLEAVE_RUNTIME_HOST_EVENTS_H

#include <stdint.h>

struct bundle;
struct events;
struct host_events;

/* fds: by the bundle's map index. *events is NULL when the bundle has no such map. 0 or -errno. */
int host_events_open(struct host_events **events, const struct bundle *bundle, const int *fds);
void host_events_close(struct host_events **events);

/* Appends what has come since. events may be NULL. */
void host_events_take(struct host_events *events, struct events *list);

#endif
