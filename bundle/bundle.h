/*
 * The bundle: one file, the whole contract between the compiler and the agent. A POSIX tar whose
 * first member SHA256 holds the digest of everything else and whose second, manifest.json,
 * describes the rest. docs/bundle-format.md has the format; this is its image in memory.
 *
 *     struct bundle *b;
 *     int err = bundle_read("nf.cleave", &b, diag);
 *     for (size_t i = 0; i < b->map_count; i++) printf("%s\n", b->maps[i].name);
 *     bundle_free(&b);
 *
 * Reading never trusts the file: every length, count and digest is checked before use.
 */
#ifndef CLEAVE_BUNDLE_BUNDLE_H
#define CLEAVE_BUNDLE_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diag;
struct arena;

#define BUNDLE_FORMAT_VERSION 1

enum map_home {
#define HOME(id, text, meaning) MAP_HOME_##id,
#include "bundle/map_home.def"
#undef HOME
	MAP_HOME_COUNT
};

const char *map_home_text(enum map_home home);    /* "shared array" */
const char *map_home_meaning(enum map_home home); /* one plain sentence */
/* The home with this text, or MAP_HOME_COUNT. */
enum map_home map_home_find(const char *text);

struct bundle_inner {
	uint32_t type, key_size, value_size, max_entries, flags;
};

/* Element `key` of a map of maps is the map with this index in the manifest. */
struct bundle_held {
	uint32_t key, map;
};

/* Element `index` of an array of programs is the program with this number in the manifest. */
struct bundle_call {
	uint32_t index, program;
};

/* A map of the NF, as its source declares it, and where the plan puts it. */
struct bundle_map {
	const char *name;
	uint32_t type; /* enum bpf_map_type of the source */
	uint32_t key_size, value_size, max_entries, flags;
	enum map_home home;
	const char *why;            /* the plan's reason for the home */
	uint32_t slots;             /* shared values: entries of the cv_ array; else 0 */
	uint32_t extra;             /* the definition's map_extra: hashes of a Bloom filter */
	struct bundle_inner *inner; /* what the maps in a map of maps look like: one, or none */
	size_t inner_count;
	struct bundle_held *held; /* what a map of maps begins with */
	size_t held_count;
	struct bundle_call *calls; /* what an array of programs begins with */
	size_t call_count;
	uint64_t layout; /* XXH3 of type, sizes, flags and home: changes when the layout does */
};

/* The layout number of a map; bundle_manifest sets it and the reader checks it. */
uint64_t bundle_map_layout(const struct bundle_map *map);

/* A global variable of the NF (a symbol in .data, .bss or .rodata of the kernel part). */
struct bundle_global {
	const char *name;
	const char *section; /* ".bss", ".data", ".rodata", or ".data.NAME" ... */
	uint32_t size;
	bool constant;
};

/* One live value in a handoff. */
struct bundle_live {
	const char *name; /* of the source variable where one is known */
	/* "scalar", "packet offset", "map value", "map key", "stack bytes", "map bytes", ... */
	const char *kind;
	uint32_t offset, size; /* bytes, from the start of the handoff */
};

struct bundle_cut {
	uint32_t entry;  /* number in the handoff header */
	uint32_t length; /* bytes of the handoff: ticket, live values, header */
	const char *file;
	uint32_t line; /* of the first op behind the cut */
	const char *why;
	bool held_only; /* taken only while the packet's key is in flight (strict order) */
	struct bundle_live *live;
	size_t live_count;
};

struct bundle_member {
	const char *name;
	const void *bytes;
	size_t size;
	char digest[65]; /* SHA-256, hexadecimal */
};

/*
 * Names of the members. user.so and replay.so are optional; source.bpf.o is too when the kernel
 * cannot run the source.
 */
#define BUNDLE_MEMBER_MANIFEST "manifest.json"
/* clang's bitcode of the whole program, for re-splitting */
#define BUNDLE_MEMBER_IR "ir.bc"
/* the oracle: the unmodified program compiled by clang alone */
#define BUNDLE_MEMBER_SOURCE "source.bpf.o"
#define BUNDLE_MEMBER_KERNEL "kernel.bpf.o" /* the kernel part */
/* the user part; absent when everything runs in the kernel */
#define BUNDLE_MEMBER_USER "user.so"
#define BUNDLE_MEMBER_PLAN "plan.txt" /* what `cleave explain` prints */
/* a bundle of its own: the other program of a pair */
#define BUNDLE_MEMBER_SECOND "second.cleave"
/* both parts for the host, in bundles made for replay and check */
#define BUNDLE_MEMBER_REPLAY "replay.so"

struct bundle {
	struct arena *arena; /* owns everything below */
	const char *cleave_version;
	const char *program; /* function name of the NF */
	const char *section; /* its ELF section, e.g. "xdp" or "xdp.frags" */
	/* programs that tail calls join, the NF's first; none: there are no tail calls */
	const char **programs;
	size_t program_count;
	const char *source;       /* name of the source file, no folder */
	const char *clang;        /* clang's version line */
	const char **clang_flags; /* flags after -- */
	size_t clang_flag_count;
	const char *machine;   /* e.g. "x86_64": what user.so runs on */
	const char *cpu;       /* LLVM's name of the CPU user.so was tuned for */
	const char *split;     /* the --split that made it */
	bool strict;           /* strict order (else relaxed) */
	uint32_t ordered_maps; /* entries of struct cleave_ticket's after[] */
	/* a check build: clocks and random numbers come from cleave_replay */
	bool replay_inputs;
	/* false: the model says the verifier rejects source.bpf.o (expressive NF) */
	bool kernel_can_run_source;
	const char *kernel_refusal; /* why, with file:line; NULL when it can */
	uint32_t min_kernel;        /* KERNEL_VERSION(a,b,c) the kernel part needs */
	/* plain names, e.g. "xdp", "af_xdp", "mmapable arrays", "bpf_link" */
	const char **kernel_features;
	size_t kernel_feature_count;
	struct bundle_map *maps;
	size_t map_count;
	struct bundle_global *globals;
	size_t global_count;
	struct bundle_cut *cuts;
	size_t cut_count;
	struct bundle_member *members; /* in file order, without SHA256 */
	size_t member_count;
	/* of a pair the other program, in the same arena; its maps are the same. NULL: no pair */
	struct bundle *second;
};

/* Is the program a TC program? By its section; of one, is it for the egress? */
bool bundle_is_tc(const struct bundle *bundle);
bool bundle_is_egress(const struct bundle *bundle);

/* An empty bundle with an arena of its own; the writer fills it in. */
struct bundle *bundle_new(void);
void bundle_free(struct bundle **bundle);

/*
 * Adds a member, or replaces the one of this name; name is one of BUNDLE_MEMBER_*. The bytes must
 * outlive the bundle (put them in its arena). Members that were read have a NUL behind their bytes.
 */
void bundle_add(struct bundle *bundle, const char *name, const void *bytes, size_t size);
/* The member, or NULL. */
const struct bundle_member *bundle_find(const struct bundle *bundle, const char *name);

/*
 * Writes the bundle atomically; the same bundle always gives the same bytes. Returns 0 or a
 * negative errno, reported to diag.
 */
int bundle_write(struct bundle *bundle, const char *path, struct diag *diag);

/*
 * Reads and checks a bundle. Returns 0, or a negative errno reported to diag: -EBADMSG for damage
 * (truncated, digest, malformed), -EPROTONOSUPPORT for a format version we do not know.
 * bundle_parse is the same for bytes in memory (name is used in messages); it is what is fuzzed.
 */
int bundle_read(const char *path, struct bundle **bundle, struct diag *diag);
int bundle_parse(const char *name, const void *bytes, size_t size, struct bundle **bundle,
		 struct diag *diag);

/* Does a file of this name begin as bundles do? Reads no further; false when it cannot be read. */
bool bundle_begins_like_one(const char *path);

/* Writes every member as a file in folder (made if missing). Returns 0 or a negative errno. */
int bundle_unpack(const struct bundle *bundle, const char *folder, struct diag *diag);

/* The manifest as stable JSON text (what manifest.json holds), in the bundle's arena. */
const char *bundle_manifest(struct bundle *bundle);

/* `cleave bundle show`: the bundle in plain words. */
struct _IO_FILE;
void bundle_print(const struct bundle *bundle, struct _IO_FILE *out);

#endif
