/*
 * One op as one line of stable text, the form that `cleave inspect`, `cleave explain`, DOT and
 * golden tests share:
 *
 *     pkt.read ipv4.saddr pkt[26:30]
 *     pkt.read tcp.dport tcp[2:4]
 *     map.lookup conntrack key=[0:4 ipv4.saddr, 4:8 const 0] only added to
 *     verdict DROP|PASS
 */
#include "ir/ir.h"

#include <stdlib.h>

#include "support/arena.h"

static void print_range(FILE *out, const struct ir_packet_range *r)
{
	if (r->field)
		fprintf(out, " %s", r->field);
	if (r->known || r->base) {
		fprintf(out, " %s[%u:", r->known ? "pkt" : r->base, r->offset);
		if (r->size)
			fprintf(out, "%u", r->offset + r->size);
		fputc(']', out);
	} else if (r->size) {
		fprintf(out, " pkt[?], %u %s", r->size, r->size == 1 ? "byte" : "bytes");
	} else {
		fputs(" pkt[?]", out);
	}
}

static void print_key(FILE *out, const struct ir_op *op)
{
	fputs(" key=[", out);
	for (size_t i = 0; i < op->key_count; i++) {
		const struct ir_key_part *part = &op->key[i];

		fprintf(out, "%s%u:%u %s", i ? ", " : "", part->offset, part->offset + part->size,
			part->source);
	}
	fputc(']', out);
}

static void print_loop(FILE *out, const struct ir_op *op)
{
	if (op->loop_bounded)
		fprintf(out, " at most %llu times", (unsigned long long)op->loop_trips);
	else
		fputs(" without a bound", out);
}

static bool shows_range(enum ir_op_kind kind)
{
	enum ir_packet_effect effect = ir_op_packet(kind);

	return (effect == IR_PACKET_READ || effect == IR_PACKET_WRITE) && kind != IR_OP_CHECKSUM;
}

const char *ir_op_line(struct arena *arena, const struct ir_program *program,
		       const struct ir_op *op)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return ir_op_text(op->kind);
	fputs(ir_op_text(op->kind), out);
	if (op->name && (op->map == IR_NONE || op->kind == IR_OP_HELPER) && !shows_range(op->kind))
		fprintf(out, " %s", op->name);
	if (shows_range(op->kind) || op->packet.field || op->packet.known)
		print_range(out, &op->packet);
	if (op->map != IR_NONE)
		fprintf(out, "%s %s", op->inner ? " in" : "", program->maps[op->map].name);
	if (op->global != IR_NONE)
		fprintf(out, " %s", program->globals[op->global].name);
	if (op->key_count)
		print_key(out, op);
	if (op->add_only)
		fputs(" only added to", out);
	if (op->kind == IR_OP_LOOP)
		print_loop(out, op);
	if (op->verdicts)
		fprintf(out, " %s", op->verdicts);
	fclose(out);

	const char *line = arena_strdup(arena, text);

	free(text);
	return line;
}
