// EXPECT layers: kernel
/*
 * As sources were written before libbpf had headers: helpers declared by themselves, each in its
 * own way (a tail call that returns nothing), a section whose name says nothing ("tp" would be
 * another kind), so that the parameter's type has to, and maps that leave to their loader what can
 * only be 4.
 */
#include <linux/bpf.h>

#define SEC(name) __attribute__((section(name), used))

static void *(*lookup)(void *map, void *key) = (void *)BPF_FUNC_map_lookup_elem;
static int (*update)(void *map, void *key, void *value,
		     int flags) = (void *)BPF_FUNC_map_update_elem;
static void (*tail_call)(void *ctx, void *map, int index) = (void *)BPF_FUNC_tail_call;
static int (*output)(void *ctx, void *map, unsigned long long flags, void *data,
		     int size) = (void *)BPF_FUNC_perf_event_output;
static unsigned long long (*processor)(void) = (void *)BPF_FUNC_get_smp_processor_id;

struct {
	int (*type)[BPF_MAP_TYPE_PROG_ARRAY];
	int (*max_entries)[4];
} next SEC(".maps");

struct {
	int (*type)[BPF_MAP_TYPE_PERF_EVENT_ARRAY];
	int (*max_entries)[64];
} events SEC(".maps");

struct {
	int (*type)[BPF_MAP_TYPE_HASH];
	int (*key)[1];
	long (*value)[1];
	int (*max_entries)[256];
} lengths SEC(".maps");

SEC("tps_path")
int old_declarations(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	int length = data_end - data, *seen;
	long packets = 1;

	if (data + 14 > data_end)
		return XDP_DROP;
	seen = lookup(&lengths, &length);
	if (!seen) {
		update(&lengths, &length, &packets, BPF_ANY);
		output(ctx, &events, BPF_F_CURRENT_CPU, &length, sizeof length);
	} else if (processor() < 1024) {
		++*seen;
	}
	tail_call(ctx, &next, length & 3);
	return data[0] & 1 ? XDP_PASS : XDP_TX;
}

char _license[] SEC("license") = "GPL";
