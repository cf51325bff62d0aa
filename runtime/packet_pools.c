/* Pools of addresses, ports and weights for generated packets. */
#include "runtime/packet_pools.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "runtime/json_source.h"
#include "support/arena.h"
#include "support/diag.h"

static const struct {
	const char *name;
	unsigned amount;
} weights[] = {
#define WEIGHT(id, name, amount) [PACKET_WEIGHT_##id] = {name, amount},
    PACKET_WEIGHTS
#undef WEIGHT
};
static_assert(sizeof weights / sizeof *weights == PACKET_WEIGHT_COUNT, "a row for every weight");

/* What is being read, for the functions that read one list each. */
struct reading {
	struct packet_pools *pools;
	struct arena *arena;
	struct json_source src;
	struct diag *diag;
};

static bool parse_ports(const json_t *value, struct packet_ports *ports)
{
	json_int_t number = json_integer_value(value);
	struct packet_numbers range;

	if (json_is_integer(value) && number >= 0 && number <= 65535)
		range.first = range.last = (uint32_t)number;
	else if (!json_is_string(value) || !strchr(json_string_value(value), '-') ||
		 !packet_word_numbers(json_string_value(value), &range) || range.last > 65535)
		return false;
	*ports = (struct packet_ports){(uint16_t)range.first, (uint16_t)range.last};
	return true;
}

/* One element of a list into the array at `into`; which is the list's row in the table below. */
typedef bool (*parse_element)(const struct reading *r, const json_t *value, void *into);

static bool element_addr4(const struct reading *r, const json_t *value, void *into)
{
	return json_is_string(value) && packet_word_range(json_string_value(value), false, into);
}

static bool element_addr6(const struct reading *r, const json_t *value, void *into)
{
	return json_is_string(value) && packet_word_range(json_string_value(value), true, into);
}

static bool element_ports(const struct reading *r, const json_t *value, void *into)
{
	return parse_ports(value, into);
}

static bool element_mac(const struct reading *r, const json_t *value, void *into)
{
	return json_is_string(value) && packet_word_mac(json_string_value(value), into);
}

static bool element_text(const struct reading *r, const json_t *value, void *into)
{
	if (json_is_string(value))
		*(const char **)into = arena_strdup(r->arena, json_string_value(value));
	return json_is_string(value);
}

static bool element_frame(const struct reading *r, const json_t *value, void *into)
{
	return packet_frame_read(into, r->arena, value);
}

static bool element_ifindex(const struct reading *r, const json_t *value, void *into)
{
	json_int_t number = json_integer_value(value);

	*(uint32_t *)into = (uint32_t)number;
	return json_is_integer(value) && number > 0 && number < INT32_MAX;
}

#define LIST(name, array, count, parse, what)                                                      \
	{name,                                                                                     \
	 offsetof(struct packet_pools, array),                                                     \
	 offsetof(struct packet_pools, count),                                                     \
	 sizeof *((struct packet_pools *)0)->array,                                                \
	 parse,                                                                                    \
	 what}
static const struct list {
	const char *name;
	size_t array_at, count_at, size;
	parse_element parse;
	const char *what;
} lists[] = {
    LIST("saddr4", addrs[PACKET_POOL_SADDR4], addr_count[PACKET_POOL_SADDR4], element_addr4,
	 "an IPv4 address or prefix"),
    LIST("daddr4", addrs[PACKET_POOL_DADDR4], addr_count[PACKET_POOL_DADDR4], element_addr4,
	 "an IPv4 address or prefix"),
    LIST("saddr6", addrs[PACKET_POOL_SADDR6], addr_count[PACKET_POOL_SADDR6], element_addr6,
	 "an IPv6 address or prefix"),
    LIST("daddr6", addrs[PACKET_POOL_DADDR6], addr_count[PACKET_POOL_DADDR6], element_addr6,
	 "an IPv6 address or prefix"),
    LIST("sports", sports, sport_count, element_ports, "a port or \"first-last\""),
    LIST("dports", dports, dport_count, element_ports, "a port or \"first-last\""),
    LIST("dmacs", dmacs, dmac_count, element_mac, "a MAC address"),
    LIST("payloads", payloads, payload_count, element_text, "a text"),
    LIST("frames", frames, frame_count, element_frame,
	 "a list of parts such as \"eth\", \"ipv4\", \"udp - 53\", \"hex 00??\""),
    LIST("ifindexes", ifindexes, ifindex_count, element_ifindex, "an interface index"),
};

static int read_list(struct reading *r, const struct list *list, const json_t *value)
{
	size_t count = json_array_size(value);
	uint8_t *array = arena_array(r->arena, count ? count : 1, list->size);

	if (!json_is_array(value))
		return json_source_error(&r->src, r->diag, "\"%s\" is a list", list->name);
	for (size_t i = 0; i < count; i++) {
		if (list->parse(r, json_array_get(value, i), array + i * list->size))
			continue;
		json_source_enter(&r->src, NULL, i);
		return json_source_error(&r->src, r->diag, "expected %s", list->what);
	}
	if (count) {
		memcpy((char *)r->pools + list->array_at, &array, sizeof array);
		memcpy((char *)r->pools + list->count_at, &count, sizeof count);
	}
	return 0;
}

static int read_weights(struct reading *r, json_t *object)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return json_source_error(&r->src, r->diag, "\"weights\" is an object");
	json_object_foreach(object, name, value)
	{
		size_t i = 0;

		json_source_enter(&r->src, name, 0);
		while (i < PACKET_WEIGHT_COUNT && strcmp(weights[i].name, name))
			i++;
		if (i == PACKET_WEIGHT_COUNT)
			return json_source_error(&r->src, r->diag, "there is no weight \"%s\"",
						 name);
		if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		    json_integer_value(value) > 1000000)
			return json_source_error(&r->src, r->diag, "expected a number from 0");
		r->pools->weights[i] = (unsigned)json_integer_value(value);
		json_source_leave(&r->src);
	}
	return 0;
}

static int read_flows(struct reading *r, const json_t *value)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 1 || number > PACKET_FLOWS_MAX)
		return json_source_error(&r->src, r->diag, "expected a number from 1 to %d",
					 PACKET_FLOWS_MAX);
	r->pools->flows = (unsigned)number;
	return 0;
}

static int read_member(struct reading *r, const char *name, json_t *value)
{
	if (!strcmp(name, "weights"))
		return read_weights(r, value);
	if (!strcmp(name, "flows"))
		return read_flows(r, value);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (!strcmp(lists[i].name, name))
			return read_list(r, &lists[i], value);
	return json_source_error(&r->src, r->diag, "there is no pool \"%s\"", name);
}

int packet_pools_read(struct packet_pools *pools, struct arena *arena, const char *path,
		      struct diag *diag)
{
	struct reading r = {.pools = pools, .arena = arena, .diag = diag};
	int err = json_source_read(&r.src, path, diag);
	const char *name;
	json_t *value;

	if (!err)
		json_object_foreach(r.src.root, name, value)
		{
			json_source_enter(&r.src, name, 0);
			err = read_member(&r, name, value);
			if (err)
				break;
			json_source_leave(&r.src);
		}
	json_source_free(&r.src);
	return err;
}

static void default_addr(struct packet_pools *pools, struct arena *arena,
			 enum packet_pool_addr which, const char *text)
{
	struct packet_range *range = arena_alloc(arena, sizeof *range);
	bool ok = packet_word_range(text, which >= PACKET_POOL_SADDR6, range);

	assert(ok);
	(void)ok;
	pools->addrs[which] = range;
	pools->addr_count[which] = 1;
}

void packet_pools_default(struct packet_pools *pools, struct arena *arena)
{
	static const struct packet_ports sports[] = {{32768, 32799}};
	static const struct packet_ports dports[] = {
	    {53, 53}, {80, 80}, {443, 443}, {22, 22}, {123, 123}, {8080, 8080}, {4789, 4789}};
	static const char *const payloads[] = {"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
					       "SSH-2.0-x\r\n"};

	*pools = (struct packet_pools){.sport_count = 1, .dport_count = 7, .payload_count = 2};
	default_addr(pools, arena, PACKET_POOL_SADDR4, "10.0.0.0/28");
	default_addr(pools, arena, PACKET_POOL_DADDR4, "192.0.2.0/28");
	default_addr(pools, arena, PACKET_POOL_SADDR6, "2001:db8:1::/124");
	default_addr(pools, arena, PACKET_POOL_DADDR6, "2001:db8:2::/124");
	pools->sports = memcpy(arena_alloc(arena, sizeof sports), sports, sizeof sports);
	pools->dports = memcpy(arena_alloc(arena, sizeof dports), dports, sizeof dports);
	pools->payloads = memcpy(arena_alloc(arena, sizeof payloads), payloads, sizeof payloads);
	pools->dmacs = arena_alloc(arena, 6);
	memcpy(pools->dmacs[0], "\x02\x00\x00\x00\x00\x01", 6);
	pools->dmac_count = 1;
	pools->ifindexes = arena_alloc(arena, sizeof *pools->ifindexes);
	pools->ifindexes[0] = 1;
	pools->ifindex_count = 1;
	pools->flows = PACKET_FLOWS_MAX;
	for (size_t i = 0; i < PACKET_WEIGHT_COUNT; i++)
		pools->weights[i] = weights[i].amount;
}
