#include "runtime/counters.h"

#include <inttypes.h>
#include <jansson.h>
#include <linux/pkt_cls.h>

#include "bundle/bundle.h"

const char *loss_text(enum loss loss)
{
	static const char *const text[] = {
#define LOSS(id, words) [LOSS_##id] = words,
#include "runtime/loss.def"
#undef LOSS
	};

	return text[loss];
}

const char *action_text(uint32_t action)
{
	static const char *const text[ACTION_COUNT] = {"ABORTED", "DROP", "PASS", "TX", "REDIRECT"};

	return action < ACTION_COUNT ? text[action] : "?";
}

/* Every member is a uint64_t. */
void counters_add_worker(struct counters *sum, const struct worker_counters *worker)
{
	uint64_t *to = (uint64_t *)&sum->user;
	const uint64_t *from = (const uint64_t *)worker;

	for (size_t i = 0; i < sizeof *worker / sizeof *to; i++)
		to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

void counters_add_drops(struct counters *sum, const struct io_drops *drops)
{
	sum->drops.invalid += drops->invalid;
	sum->drops.ring_full += drops->ring_full;
	sum->drops.fill_empty += drops->fill_empty;
	sum->drops.bad_transmits += drops->bad_transmits;
}

static uint64_t handed_over(const struct counters *c)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < CLEAVE_ENTRIES_MAX; i++)
		sum += c->kernel.cut[i];
	return sum;
}

static void print_kernel_line(const struct counters *c, FILE *out)
{
	fprintf(out, "%-7s", "kernel");
	if (c->kernel_verdicts) {
		uint64_t decided = 0;

		for (uint32_t a = 0; a < ACTION_COUNT; a++)
			decided += c->kernel.verdict[a];
		fprintf(out, " %12" PRIu64, decided);
		for (uint32_t a = ACTION_COUNT; a-- > 0;)
			fprintf(out, " %12llu", c->kernel.verdict[a]);
	} else {
		fprintf(out, " %12s", "not counted");
		for (uint32_t a = 0; a < ACTION_COUNT; a++)
			fprintf(out, " %12s", "-");
	}
	fprintf(out, " %12" PRIu64 "\n", handed_over(c));
}

static void print_user_line(const struct counters *c, FILE *out)
{
	fprintf(out, "%-7s %12" PRIu64, "user", c->user.received);
	for (uint32_t a = ACTION_COUNT; a-- > 0;)
		fprintf(out, " %12" PRIu64, c->user.verdict[a]);
	fprintf(out, " %12s\n", "");
}

static const struct bundle_cut *find_cut(const struct bundle *bundle, uint32_t entry)
{
	for (size_t i = 0; bundle && i < bundle->cut_count; i++)
		if (bundle->cuts[i].entry == entry)
			return &bundle->cuts[i];
	return NULL;
}

static void print_cuts(const struct counters *c, const struct bundle *bundle, FILE *out)
{
	for (uint32_t e = 0; e < CLEAVE_ENTRIES_MAX; e++) {
		const struct bundle_cut *cut = find_cut(bundle, e);

		if (!cut && !c->kernel.cut[e] && !c->user.entry[e])
			continue;
		fprintf(out, "cut %-3u %12llu handed over %12" PRIu64 " run", e, c->kernel.cut[e],
			c->user.entry[e]);
		if (cut && cut->file)
			fprintf(out, "   %s:%u", cut->file, cut->line);
		fputc('\n', out);
	}
}

/* Counters that are zero on a good day, each with its sentence. */
struct remark {
	const char *name, *text;
	uint64_t value;
};

enum { REMARKS = 11 };

static void list_remarks(const struct counters *c, struct remark remark[REMARKS])
{
	struct remark all[REMARKS] = {
	    {"gone", "handed over while no user part was there", c->kernel.gone},
	    {"no_room", "no room for the handoff in front of the packet, or too long with it",
	     c->kernel.no_room},
	    {"gso", "of several segments, which cannot be handed over", c->kernel.gso},
	    {"held", "handed over only to keep the order of their key", c->kernel.held},
	    {"rx_ring_full", "lost before user: the worker was too slow", c->drops.ring_full},
	    {"rx_no_chunk", "moments without a chunk to receive into", c->drops.fill_empty},
	    {"rx_too_large", "lost before user: larger than a chunk", c->drops.invalid},
	    {"tx_invalid", "malformed transmits", c->drops.bad_transmits},
	    {"waited", "waited for an earlier packet of their key", c->user.waited},
	    {"wait_timeouts", "ran although an earlier packet was not done in time",
	     c->user.wait_timeouts},
	    {"lost_tickets", "handed over but never received", c->user.lost_tickets},
	};

	for (int i = 0; i < REMARKS; i++)
		remark[i] = all[i];
}

static void print_remarks(const struct counters *c, FILE *out)
{
	struct remark remark[REMARKS];

	list_remarks(c, remark);
	for (int i = 0; i < REMARKS; i++)
		if (remark[i].value)
			fprintf(out, "%12" PRIu64 "  %s\n", remark[i].value, remark[i].text);
	for (int i = 0; i < LOSS_COUNT; i++)
		if (c->user.loss[i])
			fprintf(out, "%12" PRIu64 "  %s\n", c->user.loss[i], loss_text(i));
}

/* The kernel part's cell of a verdict (verdict_cell in backends/xdp/rt/kernel_rt_tc.bpf.c). */
static uint64_t kernel_tc_verdict(const struct counters *c, unsigned cell)
{
	unsigned unspec = verdict_cell_of(true, (uint32_t)TC_ACT_UNSPEC);

	if (cell == TC_ACT_REPEAT || (cell > TC_ACT_REDIRECT && cell != unspec))
		return 0;
	return c->kernel.verdict[cell == unspec ? TC_ACT_REPEAT : cell];
}

static void print_tc_verdicts(const struct counters *c, bool user, FILE *out)
{
	for (unsigned cell = 0; cell < verdict_cell_count(true); cell++) {
		uint64_t n = user ? c->user.verdict[cell] : kernel_tc_verdict(c, cell);

		if (n)
			fprintf(out, ", %s %" PRIu64, verdict_cell_text(true, cell), n);
	}
	fputc('\n', out);
}

static void print_tc_lines(const struct counters *c, FILE *out)
{
	fprintf(out, "layer   packets\nkernel  %s, to user %" PRIu64,
		c->kernel_verdicts ? "counted" : "not counted", handed_over(c));
	print_tc_verdicts(c, false, out);
	fprintf(out, "user    %" PRIu64, c->user.received);
	print_tc_verdicts(c, true, out);
}

void counters_print(const struct counters *c, const struct bundle *bundle, FILE *out)
{
	if (bundle && bundle_is_tc(bundle)) {
		print_tc_lines(c, out);
		print_cuts(c, bundle, out);
		print_remarks(c, out);
		fflush(out);
		return;
	}
	fprintf(out, "%-7s %12s", "layer", "packets");
	for (uint32_t a = ACTION_COUNT; a-- > 0;)
		fprintf(out, " %12s", action_text(a));
	fprintf(out, " %12s\n", "to user");
	print_kernel_line(c, out);
	print_user_line(c, out);
	print_cuts(c, bundle, out);
	print_remarks(c, out);
	fflush(out);
}

static json_t *verdicts_json(const uint64_t *verdict)
{
	json_t *object = json_object();

	for (uint32_t a = 0; a < ACTION_COUNT; a++)
		json_object_set_new(object, action_text(a), json_integer((json_int_t)verdict[a]));
	return object;
}

static json_t *tc_verdicts_json(const struct counters *c, bool user)
{
	json_t *object = json_object();

	for (unsigned cell = 0; cell < verdict_cell_count(true); cell++)
		json_object_set_new(object, verdict_cell_text(true, cell),
				    json_integer((json_int_t)(user ? c->user.verdict[cell]
								   : kernel_tc_verdict(c, cell))));
	return object;
}

static json_t *cuts_json(const struct counters *c, const struct bundle *bundle)
{
	json_t *array = json_array();

	for (uint32_t e = 0; e < CLEAVE_ENTRIES_MAX; e++) {
		const struct bundle_cut *cut = find_cut(bundle, e);

		if (!cut && !c->kernel.cut[e] && !c->user.entry[e])
			continue;
		json_array_append_new(array, json_pack("{s:i, s:s?, s:i, s:I, s:I}", "entry",
						       (int)e, "file", cut ? cut->file : NULL,
						       "line", cut ? (int)cut->line : 0,
						       "handed_over", (json_int_t)c->kernel.cut[e],
						       "run", (json_int_t)c->user.entry[e]));
	}
	return array;
}

static json_t *losses_json(const struct counters *c)
{
	json_t *array = json_array();

	for (int i = 0; i < LOSS_COUNT; i++)
		if (c->user.loss[i])
			json_array_append_new(array,
					      json_pack("{s:s, s:I}", "why", loss_text(i),
							"packets", (json_int_t)c->user.loss[i]));
	return array;
}

json_t *counters_json(const struct counters *c, const struct bundle *bundle)
{
	bool tc = bundle && bundle_is_tc(bundle);
	struct remark remark[REMARKS];
	json_t *object = json_object(), *kernel = json_object(), *user = json_object();

	json_object_set_new(kernel, "counted", json_boolean(c->kernel_verdicts));
	json_object_set_new(kernel, "verdicts",
			    tc ? tc_verdicts_json(c, false)
			       : verdicts_json((const uint64_t *)c->kernel.verdict));
	json_object_set_new(kernel, "to_user", json_integer((json_int_t)handed_over(c)));
	json_object_set_new(user, "packets", json_integer((json_int_t)c->user.received));
	json_object_set_new(user, "verdicts",
			    tc ? tc_verdicts_json(c, true) : verdicts_json(c->user.verdict));
	json_object_set_new(user, "losses", losses_json(c));
	json_object_set_new(object, "kernel", kernel);
	json_object_set_new(object, "user", user);
	json_object_set_new(object, "cuts", cuts_json(c, bundle));
	list_remarks(c, remark);
	for (int i = 0; i < REMARKS; i++)
		json_object_set_new(object, remark[i].name,
				    json_integer((json_int_t)remark[i].value));
	return object;
}
