/* Every kind of map and member that start state can be given to, for fuzz_map_init. */
#include "map_init.h"
#include <bpf/bpf_helpers.h>

#define MAP(name, map_type, key_type, value_type)                                                  \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##map_type);                                             \
		__uint(max_entries, ENTRIES);                                                      \
		__uint(map_flags, MAP_FLAGS(map_type));                                            \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} name SEC(".maps");
MAPS(MAP)

const volatile __u32 timeout_s;
enum mode mode = MODE_B;
char text[12];

SEC("xdp") int nf(struct xdp_md *ctx)
{
	return (int)timeout_s + mode + text[0];
}
