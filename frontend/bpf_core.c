#include "frontend/bpf_core.h"

#include <stdlib.h>
#include <string.h>

#include "support/arena.h"
#include "support/diag.h"
#include "support/file.h"

#define HOST_BTF "/sys/kernel/btf/vmlinux"

enum { STEPS_MAX = 64, ANONYMOUS_MAX = 16 };

struct bpf_core_host {
	struct arena *arena;
	const char *path;
	bool read, there;
	struct bpf_types types;
};

/* ---- the kernel's BTF ---- */

static struct bpf_core_host *host_new(struct arena *arena, const char *path)
{
	struct bpf_core_host *host = arena_alloc(arena, sizeof *host);

	*host = (struct bpf_core_host){.arena = arena, .path = path};
	return host;
}

static bool read_types(struct bpf_core_host *host)
{
	char *bytes;
	size_t size;

	host->read = true;
	host->there = !file_read(host->arena, host->path, &bytes, &size) &&
		      bpf_types_read(host->arena, bytes, size, &host->types);
	return host->there;
}

struct bpf_core_host *bpf_core_host_open(struct arena *arena, const char *path, struct diag *diag)
{
	struct bpf_core_host *host = host_new(arena, path ? path : HOST_BTF);

	if (!path || read_types(host))
		return host;
	diag_error(diag, (struct src_loc){.file = path},
		   "this cannot be read as BTF (what " HOST_BTF " holds is meant)");
	return NULL;
}

struct bpf_core_host *bpf_core_host_of(struct arena *arena, const void *bytes, size_t size)
{
	struct bpf_core_host *host = host_new(arena, "");

	host->read = true;
	host->there = bpf_types_read(arena, bytes, size, &host->types);
	return host;
}

const struct bpf_types *bpf_core_host_types(struct bpf_core_host *host)
{
	if (!host->read)
		read_types(host);
	return host->there ? &host->types : NULL;
}

/* ---- the way into the object's type ---- */

/* One step: a member by name, or an element. */
struct step {
	uint32_t type;    /* of the struct, or of the elements */
	uint32_t index;   /* of the member, or of the element */
	const char *name; /* NULL: an element */
};

struct way {
	struct step step[STEPS_MAX];
	unsigned count;
	uint64_t bits; /* offset */
};

static uint64_t member_bits(const struct btf_type *t, const struct btf_member *m)
{
	return BTF_INFO_KFLAG(t->info) ? BTF_MEMBER_BIT_OFFSET(m->offset) : m->offset;
}

static bool is_composite(const struct btf_type *t)
{
	return BTF_INFO_KIND(t->info) == BTF_KIND_STRUCT ||
	       BTF_INFO_KIND(t->info) == BTF_KIND_UNION;
}

static bool is_enum(const struct btf_type *t)
{
	return BTF_INFO_KIND(t->info) == BTF_KIND_ENUM || BTF_INFO_KIND(t->info) == BTF_KIND_ENUM64;
}

static bool take_index(const char **access, uint32_t *index)
{
	char *end;
	unsigned long n;

	if (**access < '0' || **access > '9')
		return false;
	n = strtoul(*access, &end, 10);
	*access = *end == ':' ? end + 1 : end;
	*index = (uint32_t)n;
	return n <= UINT32_MAX && (*end == ':' || !*end);
}

/* Goes on from type `id`; what is not named is passed over, since its members' names say enough. */
static bool take_step(const struct bpf_types *local, struct way *way, uint32_t *id, uint32_t index)
{
	const struct btf_type *t = bpf_types_bare(local, *id);
	struct step *step = &way->step[way->count];

	if (t && is_composite(t) && index < BTF_INFO_VLEN(t->info)) {
		const struct btf_member *m = &bpf_type_members(t)[index];

		way->bits += member_bits(t, m);
		if (*bpf_types_string(local, m->name_off)) {
			*step = (struct step){*id, index, bpf_types_string(local, m->name_off)};
			way->count++;
		}
		*id = m->type;
		return true;
	}
	if (!t || BTF_INFO_KIND(t->info) != BTF_KIND_ARRAY)
		return false;
	*id = bpf_type_array(t)->type;
	*step = (struct step){*id, index, NULL};
	way->count++;
	way->bits += 8 * index * bpf_types_size(local, *id);
	return true;
}

static bool read_way(const struct bpf_types *local, const struct bpf_core *q, struct way *way)
{
	const char *access = q->access;
	uint32_t id = q->type, index;

	*way = (struct way){.count = 1};
	if (!take_index(&access, &index))
		return false;
	way->step[0] = (struct step){id, index, NULL};
	way->bits = 8 * index * bpf_types_size(local, id);
	while (*access)
		if (way->count == STEPS_MAX || !take_index(&access, &index) ||
		    !take_step(local, way, &id, index))
			return false;
	return true;
}

/* ---- the same way into the kernel's ---- */

struct walk {
	const struct bpf_types *local, *kernel;
	const struct step *step; /* that is looked for */
	struct way way;
};

static bool find_member(struct walk *w, uint32_t id, uint64_t bits, uint32_t *next, unsigned depth)
{
	const struct btf_type *t = bpf_types_bare(w->kernel, id);
	const struct btf_type *own = bpf_types_bare(w->local, w->step->type);

	if (!t || !is_composite(t) || depth > ANONYMOUS_MAX)
		return false;
	for (uint32_t i = 0; i < BTF_INFO_VLEN(t->info); i++) {
		const struct btf_member *m = &bpf_type_members(t)[i];
		const char *name = bpf_types_string(w->kernel, m->name_off);

		if (!*name) {
			if (find_member(w, m->type, bits + member_bits(t, m), next, depth + 1))
				return true;
			continue;
		}
		if (strcmp(name, w->step->name))
			continue;
		if (!bpf_core_fields_agree(w->local, bpf_type_members(own)[w->step->index].type,
					   w->kernel, m->type))
			return false;
		w->way.step[w->way.count++] = (struct step){id, i, name};
		w->way.bits = bits + member_bits(t, m);
		*next = m->type;
		return true;
	}
	return false;
}

/* An array of none at a struct's end has any number of elements. */
static bool find_element(struct walk *w, uint32_t *id, bool first, bool last_member)
{
	const struct btf_type *t = bpf_types_bare(w->kernel, *id);

	if (!first) {
		if (!t || BTF_INFO_KIND(t->info) != BTF_KIND_ARRAY)
			return false;
		if (w->step->index >= bpf_type_array(t)->nelems &&
		    (bpf_type_array(t)->nelems || !last_member))
			return false;
		*id = bpf_type_array(t)->type;
	}
	w->way.step[w->way.count++] = (struct step){*id, w->step->index, NULL};
	w->way.bits += 8 * w->step->index * bpf_types_size(w->kernel, *id);
	return true;
}

static bool is_last_member(const struct walk *w)
{
	const struct step *before = w->way.count ? &w->way.step[w->way.count - 1] : NULL;
	const struct btf_type *t =
	    before && before->name ? bpf_types_bare(w->kernel, before->type) : NULL;

	return t && BTF_INFO_KIND(t->info) == BTF_KIND_STRUCT &&
	       before->index + 1 == BTF_INFO_VLEN(t->info);
}

static bool follow(struct walk *w, const struct way *local, uint32_t id)
{
	w->way = (struct way){0};
	for (unsigned i = 0; i < local->count; i++) {
		w->step = &local->step[i];
		if (w->step->name ? !find_member(w, id, w->way.bits, &id, 0)
				  : !find_element(w, &id, i == 0, is_last_member(w)))
			return false;
	}
	return true;
}

/* ---- what is asked of a field ---- */

struct field {
	uint64_t byte, bytes, bit, bits; /* bit: within the whole, not within the bytes */
	bool bitfield, is_signed;
	uint32_t type;
	bool is_element;
};

static bool is_signed(const struct bpf_types *types, uint32_t id)
{
	const struct btf_type *t = bpf_types_bare(types, id);
	uint32_t data;

	if (!t)
		return false;
	if (is_enum(t))
		return BTF_INFO_KFLAG(t->info);
	if (BTF_INFO_KIND(t->info) != BTF_KIND_INT)
		return false;
	memcpy(&data, t + 1, sizeof data);
	return BTF_INT_ENCODING(data) & BTF_INT_SIGNED;
}

/* The aligned word around a bitfield, as large as it takes. */
static bool place_bitfield(struct field *f, uint64_t size)
{
	if (!size || size > 8)
		return false;
	f->bytes = size;
	f->byte = f->bit / 8 / size * size;
	while (f->bit + f->bits > 8 * (f->byte + f->bytes)) {
		if (f->bytes >= 8)
			return false;
		f->bytes *= 2;
		f->byte = f->bit / 8 / f->bytes * f->bytes;
	}
	return true;
}

static bool find_field(const struct bpf_types *types, const struct way *way, struct field *f)
{
	const struct step *last = &way->step[way->count - 1];
	const struct btf_type *t = bpf_types_bare(types, last->type);
	const struct btf_member *m;

	*f = (struct field){.bit = way->bits, .byte = way->bits / 8, .type = last->type};
	f->is_element = !last->name;
	f->bytes = bpf_types_size(types, last->type);
	if (f->is_element)
		return true;
	m = &bpf_type_members(t)[last->index];
	f->type = m->type;
	f->is_signed = is_signed(types, m->type);
	f->bits = BTF_INFO_KFLAG(t->info) ? BTF_MEMBER_BITFIELD_SIZE(m->offset) : 0;
	f->bitfield = f->bits;
	f->bytes = bpf_types_size(types, m->type);
	if (f->bitfield)
		return place_bitfield(f, f->bytes);
	f->bits = 8 * f->bytes;
	return true;
}

static bool field_value(const struct field *f, uint32_t kind, uint64_t *value)
{
	switch (kind) {
	case BPF_ASKS_FIELD_OFFSET:
		*value = f->byte;
		return true;
	case BPF_ASKS_FIELD_SIZE:
		*value = f->bytes;
		return true;
	case BPF_ASKS_FIELD_EXISTS:
		*value = 1;
		return true;
	case BPF_ASKS_FIELD_SIGNED:
		*value = f->is_signed;
		return !f->is_element;
	case BPF_ASKS_FIELD_LSHIFT:
		*value = 64 - (f->bit + f->bits - 8 * f->byte);
		return !f->is_element;
	case BPF_ASKS_FIELD_RSHIFT:
		*value = 64 - f->bits;
		return !f->is_element;
	default:
		return false;
	}
}

static bool is_pointer(const struct bpf_types *types, uint32_t id)
{
	const struct btf_type *t = bpf_types_bare(types, id);

	return t && BTF_INFO_KIND(t->info) == BTF_KIND_PTR;
}

static bool is_unsigned_int(const struct bpf_types *types, uint32_t id)
{
	const struct btf_type *t = bpf_types_bare(types, id);

	return t && BTF_INFO_KIND(t->info) == BTF_KIND_INT && !is_signed(types, id);
}

/* An offset says too how much is read there: `int` in the object may be `long` in the kernel. */
static void note_sizes(const struct walk *w, const struct field *local, const struct field *f,
		       struct bpf_core_answer *a)
{
	if (local->bitfield || f->bitfield || local->bytes == f->bytes)
		return;
	a->local_bytes = (uint32_t)local->bytes;
	a->bytes = (uint32_t)f->bytes;
	a->resizable =
	    (is_pointer(w->local, local->type) && is_pointer(w->kernel, f->type)) ||
	    (is_unsigned_int(w->local, local->type) && is_unsigned_int(w->kernel, f->type));
}

static struct bpf_core_answer ask_field(struct walk *w, const struct bpf_core *q,
					const struct way *local, uint32_t candidate)
{
	struct bpf_core_answer a = {.outcome = BPF_CORE_ABSENT};
	struct field mine, theirs;

	if (!follow(w, local, candidate)) {
		if (q->kind == BPF_ASKS_FIELD_EXISTS)
			a.outcome = BPF_CORE_ANSWERED;
		return a;
	}
	if (!find_field(w->local, local, &mine) || !find_field(w->kernel, &w->way, &theirs) ||
	    !field_value(&theirs, q->kind, &a.value))
		return (struct bpf_core_answer){.outcome = BPF_CORE_DAMAGED};
	a.outcome = BPF_CORE_ANSWERED;
	if (q->kind == BPF_ASKS_FIELD_OFFSET)
		note_sizes(w, &mine, &theirs, &a);
	return a;
}

/* ---- what is asked of an enumerator ---- */

static const char *enumerator(const struct bpf_types *types, const struct btf_type *t, uint32_t i,
			      uint64_t *value)
{
	const struct btf_enum *e = (const void *)(t + 1);
	const struct btf_enum64 *wide = (const void *)(t + 1);

	if (BTF_INFO_KIND(t->info) == BTF_KIND_ENUM) {
		*value = BTF_INFO_KFLAG(t->info) ? (uint64_t)(int64_t)e[i].val : (uint32_t)e[i].val;
		return bpf_types_string(types, e[i].name_off);
	}
	*value = (uint64_t)wide[i].val_hi32 << 32 | wide[i].val_lo32;
	return bpf_types_string(types, wide[i].name_off);
}

static struct bpf_core_answer ask_value(const struct walk *w, const struct bpf_core *q,
					uint32_t candidate)
{
	const struct btf_type *mine = bpf_types_bare(w->local, q->type),
			      *theirs = bpf_types_bare(w->kernel, candidate);
	struct bpf_core_answer a = {.outcome = BPF_CORE_ANSWERED};
	const char *access = q->access, *name;
	uint32_t index;
	uint64_t value;

	if (!mine || !is_enum(mine) || !take_index(&access, &index) || *access ||
	    index >= BTF_INFO_VLEN(mine->info))
		return (struct bpf_core_answer){.outcome = BPF_CORE_DAMAGED};
	name = enumerator(w->local, mine, index, &value);
	for (uint32_t i = 0; theirs && is_enum(theirs) && i < BTF_INFO_VLEN(theirs->info); i++) {
		if (!bpf_core_same_name(name, enumerator(w->kernel, theirs, i, &value)))
			continue;
		a.value = q->kind == BPF_ASKS_VALUE_EXISTS ? 1 : value;
		return a;
	}
	if (q->kind != BPF_ASKS_VALUE_EXISTS)
		a.outcome = BPF_CORE_ABSENT;
	return a;
}

/* ---- what is asked of a type ---- */

static struct bpf_core_answer ask_type(const struct walk *w, const struct bpf_core *q,
				       uint32_t candidate)
{
	struct bpf_core_answer a = {.outcome = BPF_CORE_ANSWERED};
	bool there = q->kind == BPF_ASKS_TYPE_MATCHES
			 ? bpf_core_types_match(w->local, q->type, w->kernel, candidate)
			 : bpf_core_types_agree(w->local, q->type, w->kernel, candidate);

	if (q->kind == BPF_ASKS_TYPE_EXISTS || q->kind == BPF_ASKS_TYPE_MATCHES)
		a.value = there;
	else if (!there)
		a.outcome = BPF_CORE_ABSENT;
	else
		a.value = q->kind == BPF_ASKS_TYPE_SIZE ? bpf_types_size(w->kernel, candidate)
							: candidate;
	return a;
}

static bool asks_field(uint32_t kind)
{
	return kind <= BPF_ASKS_FIELD_RSHIFT;
}

static bool asks_value(uint32_t kind)
{
	return kind == BPF_ASKS_VALUE_EXISTS || kind == BPF_ASKS_VALUE;
}

static bool asks_existence(uint32_t kind)
{
	return kind == BPF_ASKS_FIELD_EXISTS || kind == BPF_ASKS_TYPE_EXISTS ||
	       kind == BPF_ASKS_VALUE_EXISTS || kind == BPF_ASKS_TYPE_MATCHES;
}

/* ---- all candidates ---- */

static struct bpf_core_answer ask_candidate(struct walk *w, const struct bpf_core *q,
					    const struct way *way, uint32_t candidate)
{
	return asks_field(q->kind)   ? ask_field(w, q, way, candidate)
	       : asks_value(q->kind) ? ask_value(w, q, candidate)
				     : ask_type(w, q, candidate);
}

static bool says_something(const struct bpf_core_answer *a, uint32_t kind)
{
	return a->outcome == BPF_CORE_ANSWERED && (a->value || !asks_existence(kind));
}

/* Types of the name that have no such member say nothing; the others must all say the same. */
static struct bpf_core_answer ask_all(struct walk *w, const struct bpf_core *q,
				      const struct way *way)
{
	const struct btf_type *root = bpf_types_get(w->local, q->type);
	const char *name = bpf_types_name(w->local, root);
	struct bpf_core_answer answer = {.outcome = BPF_CORE_NO_TYPE};

	for (uint32_t id = 1; id <= w->kernel->count; id++) {
		const struct btf_type *t = w->kernel->type[id];
		struct bpf_core_answer a;

		if (!bpf_core_same_kind(root, t) ||
		    !bpf_core_same_name(name, bpf_types_name(w->kernel, t)))
			continue;
		a = ask_candidate(w, q, way, id);
		if (a.outcome == BPF_CORE_DAMAGED)
			return a;
		if (!says_something(&answer, q->kind))
			answer = a;
		else if (says_something(&a, q->kind) && a.value != answer.value)
			return (struct bpf_core_answer){.outcome = BPF_CORE_AMBIGUOUS};
	}
	if (answer.outcome == BPF_CORE_NO_TYPE && asks_existence(q->kind))
		answer.outcome = BPF_CORE_ANSWERED;
	return answer;
}

struct bpf_core_answer bpf_core_ask(struct bpf_core_host *host, const struct bpf_types *local,
				    const struct bpf_core *q)
{
	const struct btf_type *root = bpf_types_get(local, q->type);
	struct walk walk = {.local = local};
	struct way way = {0};

	if (!root || q->kind > BPF_ASKS_TYPE_MATCHES || !*bpf_types_name(local, root) ||
	    (asks_field(q->kind) && !read_way(local, q, &way)))
		return (struct bpf_core_answer){.outcome = BPF_CORE_DAMAGED};
	if (q->kind == BPF_ASKS_LOCAL_TYPE)
		return (struct bpf_core_answer){.outcome = BPF_CORE_ANSWERED, .value = q->type};
	walk.kernel = bpf_core_host_types(host);
	if (!walk.kernel)
		return (struct bpf_core_answer){.outcome = BPF_CORE_NO_KERNEL};
	return ask_all(&walk, q, &way);
}

/* ---- messages ---- */

const char *bpf_core_text(struct arena *arena, const struct bpf_types *local,
			  const struct bpf_core *q)
{
	static const char *const before[] = {
	    "the offset of",    "the size of", "the existence of",       "the sign of",
	    "the bits of",      "the bits of", "the object's number of", "the kernel's number of",
	    "the existence of", "the size of", "the existence of",       "the value of",
	    "the sameness of"};
	const struct btf_type *t = bpf_types_get(local, q->type),
			      *bare = bpf_types_bare(local, q->type);
	const char *what = t ? bpf_types_name(local, t) : "?", *access = q->access;
	struct way way;
	uint64_t value;
	uint32_t index;

	if (t && asks_field(q->kind) && read_way(local, q, &way))
		for (unsigned i = 1; i < way.count; i++)
			what = way.step[i].name
				   ? arena_printf(arena, "%s.%s", what, way.step[i].name)
				   : arena_printf(arena, "%s[%u]", what, way.step[i].index);
	if (bare && is_enum(bare) && asks_value(q->kind) && take_index(&access, &index) &&
	    index < BTF_INFO_VLEN(bare->info))
		what = enumerator(local, bare, index, &value);
	if (q->kind > BPF_ASKS_TYPE_MATCHES)
		return arena_printf(arena, "a question of kind %u about %s", q->kind, what);
	return arena_printf(arena, "%s %s", before[q->kind], what);
}
