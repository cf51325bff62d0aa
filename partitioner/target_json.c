#include "partitioner/target_json.h"

#include <linux/bpf.h>
#include <math.h>
#include <string.h>

#include "support/arena.h"
#include "support/map_types.h"

struct reader {
	struct arena *arena;
	struct target *target;
	const char *wrong; /* the first fault */
};

static void complain(struct reader *r, const char *field, const char *what)
{
	if (!r->wrong)
		r->wrong = arena_printf(r->arena, "%s: %s", field, what);
}

/* Costs are finite and not negative: the search relies on it. */
static void read_number(struct reader *r, const char *field, const json_t *value, double *number)
{
	double n = json_number_value(value);

	if (!json_is_number(value) || !isfinite(n) || n < 0 || n > 1e12)
		complain(r, field, "a number from 0 to 1e12 is needed");
	else
		*number = n;
}

static int find_layer(const char *text)
{
	for (int l = 0; l < IR_LAYER_COUNT; l++)
		if (!strcmp(ir_layer_text((enum ir_layer)l), text))
			return l;
	return -1;
}

/* {"kernel": 1, "user": 2} */
static void read_layer_costs(struct reader *r, const char *field, const json_t *value,
			     double costs[IR_LAYER_COUNT])
{
	const char *key;
	json_t *cost;

	if (!json_is_object(value))
		complain(r, field, "an object of layers is needed");
	json_object_foreach((json_t *)value, key, cost)
	{
		int layer = find_layer(key);

		if (layer < 0)
			complain(r, field, "unknown layer");
		else
			read_number(r, field, cost, &costs[layer]);
	}
}

static void read_three(struct reader *r, const char *field, const json_t *value, double costs[3])
{
	if (!json_is_array(value) || json_array_size(value) != 3) {
		complain(r, field, "[look-up, update, delete] is needed");
		return;
	}
	for (size_t i = 0; i < 3; i++)
		read_number(r, field, json_array_get(value, i), &costs[i]);
}

static void read_layers(struct reader *r, const char *field, const json_t *value)
{
	r->target->layers = 0;
	if (!json_is_array(value))
		complain(r, field, "a list of layers is needed");
	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *text = json_string_value(json_array_get(value, i));
		int layer = text ? find_layer(text) : -1;

		if (layer < 0)
			complain(r, field, "unknown layer");
		else
			r->target->layers |= (ir_layer_set)(1 << layer);
	}
}

static void read_op_costs(struct reader *r, const char *field, const json_t *value)
{
	const char *key;
	json_t *costs;

	if (!json_is_object(value))
		complain(r, field, "an object of ops is needed");
	json_object_foreach((json_t *)value, key, costs)
	{
		int kind = 0;

		while (kind < IR_OP_COUNT && strcmp(ir_op_text((enum ir_op_kind)kind), key) != 0)
			kind++;
		if (kind == IR_OP_COUNT)
			complain(r, key, "unknown op");
		else
			read_layer_costs(r, key, costs, r->target->op_ns[kind]);
	}
}

/* {"hash": {"kernel": [18.8, 60, 55], "user": [20, 40, 35]}} */
static void read_map_costs(struct reader *r, const char *field, const json_t *value)
{
	const char *key, *layer_text;
	json_t *layers, *costs;

	if (!json_is_object(value))
		complain(r, field, "an object of map types is needed");
	json_object_foreach((json_t *)value, key, layers)
	{
		uint32_t type = 1;

		while (map_type_find(type) && strcmp(map_type_text(type), key) != 0)
			type++;
		if (!map_type_find(type) || !json_is_object(layers)) {
			complain(r, key, "unknown map type, or no object of layers");
			continue;
		}
		json_object_foreach(layers, layer_text, costs)
		{
			int layer = find_layer(layer_text);
			double three[3] = {0};

			if (layer < 0)
				complain(r, key, "unknown layer");
			read_three(r, key, costs, three);
			for (int i = 0; i < 3 && layer >= 0; i++)
				r->target->map_ns[type][i][layer] = three[i];
		}
	}
}

static void read_verdict_costs(struct reader *r, const char *field, const json_t *value)
{
	static const char *const names[] = {"ABORTED", "DROP", "PASS", "TX", "REDIRECT"};
	const char *key;
	json_t *cost;

	if (!json_is_object(value))
		complain(r, field, "an object of XDP actions is needed");
	json_object_foreach((json_t *)value, key, cost)
	{
		size_t i = 0;

		while (i < 5 && strcmp(names[i], key) != 0)
			i++;
		if (i == 5)
			complain(r, key, "unknown XDP action");
		else
			read_number(r, key, cost, &r->target->verdict_ns[i]);
	}
}

static void read_name(struct reader *r, const char *field, const json_t *value)
{
	if (json_is_string(value))
		r->target->name = arena_strdup(r->arena, json_string_value(value));
	else
		complain(r, field, "a text is needed");
}

static void read_kernel(struct reader *r, const char *field, const json_t *value)
{
	unsigned major = 0, minor = 0, patch = 0;
	const char *text = json_string_value(value);

	if (!text || sscanf(text, "%u.%u.%u", &major, &minor, &patch) < 2 || major > 255 ||
	    minor > 255)
		complain(r, field, "a version such as \"6.18\" is needed");
	r->target->kernel_version = major << 16 | minor << 8 | (patch < 255 ? patch : 255);
}

static void read_handoff_bytes(struct reader *r, const char *field, const json_t *value)
{
	double bytes = 0;

	read_number(r, field, value, &bytes);
	r->target->handoff_bytes_max = bytes < 65536 ? (uint32_t)bytes : 65536;
}

static void read_instructions(struct reader *r, const char *field, const json_t *value)
{
	read_layer_costs(r, field, value, r->target->instruction_ns);
}

static void read_shared(struct reader *r, const char *field, const json_t *value)
{
	read_three(r, field, value, r->target->shared_value_ns);
}

static void read_kernel_shared(struct reader *r, const char *field, const json_t *value)
{
	read_three(r, field, value, r->target->kernel_shared_value_ns);
}

#define NUMBER(name)                                                                               \
	static void read_##name(struct reader *r, const char *field, const json_t *value)          \
	{                                                                                          \
		read_number(r, field, value, &r->target->name);                                    \
	}
NUMBER(bpf_call_ns)
NUMBER(batched_add_ns)
NUMBER(handoff_ns)
NUMBER(handoff_byte_ns)
NUMBER(loop_trips)

static const struct {
	const char *field;
	void (*read)(struct reader *r, const char *field, const json_t *value);
} fields[] = {
    {"name", read_name},
    {"layers", read_layers},
    {"kernel", read_kernel},
    {"handoff_bytes_max", read_handoff_bytes},
    {"instruction_ns", read_instructions},
    {"op_ns", read_op_costs},
    {"map_ns", read_map_costs},
    {"shared_value_ns", read_shared},
    {"kernel_shared_value_ns", read_kernel_shared},
    {"bpf_call_ns", read_bpf_call_ns},
    {"batched_add_ns", read_batched_add_ns},
    {"handoff_ns", read_handoff_ns},
    {"handoff_byte_ns", read_handoff_byte_ns},
    {"verdict_ns", read_verdict_costs},
    {"loop_trips", read_loop_trips},
};

const char *target_apply_json(struct arena *arena, const json_t *root, struct target *target)
{
	struct reader r = {arena, target, NULL};
	const size_t count = sizeof fields / sizeof *fields;
	const char *key;
	json_t *value;

	if (!json_is_object(root))
		return "a target is an object";
	json_object_foreach((json_t *)root, key, value)
	{
		size_t i = 0;

		while (i < count && strcmp(fields[i].field, key) != 0)
			i++;
		if (i == count)
			complain(&r, key, "unknown field");
		else
			fields[i].read(&r, key, value);
	}
	return r.wrong;
}
