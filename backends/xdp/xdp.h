/* The XDP backend: an object with BTF that libbpf and bpftool load. */
#ifndef CLEAVE_BACKENDS_XDP_XDP_H
#define CLEAVE_BACKENDS_XDP_XDP_H

#include "backends/backend.h"

extern const struct backend backend_xdp;

#endif
