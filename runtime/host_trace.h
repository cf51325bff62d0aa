/*
 * Where the user layer's bpf_printk goes: the kernel's own trace (trace_pipe of tracefs), through
 * its trace_marker, among the lines that kernel parts print.
 */
#ifndef CLEAVE_RUNTIME_HOST_TRACE_H
#define CLEAVE_RUNTIME_HOST_TRACE_H

#include <stdint.h>

/* For env_set_trace; context is not used. Without tracefs, or the right to write there: nothing. */
void host_trace_write(void *context, const char *text, uint32_t length);

#endif
