/* The kernel's verifier as an oracle. */
#include "runtime/host_verify.h"
#include "bundle/kernel_abi.h"
#include "runtime/host_program.h"

#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Kernels since 6.4 keep the end of a log that does not fit; a verifier at its limit writes a lot.
 */
enum { LOG_BYTES = 16 << 20 };

static const char RUNTIME_FILE[] = "kernel_rt.bpf.c:"; /* of backends/xdp/rt */

/* The map that the kernel did not make: nothing of that stands in the verifier's log. */
static char map_failure[sizeof((struct verify_refusal *)0)->message];

static int keep_map_failure(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level != LIBBPF_WARN || !strstr(format, "failed to create"))
		return 0;
	vsnprintf(map_failure, sizeof map_failure, format, args);
	map_failure[strcspn(map_failure, "\n")] = '\0';
	return 0;
}

/*
 * Making large maps takes longer than the answer. The verifier looks at the size of arrays only (a
 * constant key below it is known to hit), and slots of `shared values` have no constant keys.
 */
static void prepare_maps(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		enum bpf_map_type type = bpf_map__type(map);

		bpf_map__set_pin_path(map, NULL); /* nothing stays on the host */
		if (type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_LRU_HASH ||
		    type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
		    type == BPF_MAP_TYPE_LPM_TRIE ||
		    strncmp(bpf_map__name(map), CLEAVE_VALUES_PREFIX,
			    sizeof CLEAVE_VALUES_PREFIX - 1) == 0)
			bpf_map__set_max_entries(map, 64);
	}
}

static int load(const void *bytes, size_t size, char *log, size_t log_bytes)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "cleave_verify",
		    .kernel_log_buf = log, .kernel_log_size = log_bytes,
		    .kernel_log_level = log ? 1 : 0);
	struct bpf_object *object = bpf_object__open_mem(bytes, size, &options);
	int err = object ? 0 : -errno;

	if (!err) {
		host_program_types(object);
		host_map_sizes(object);
		prepare_maps(object);
		err = bpf_object__load(object);
	}
	bpf_object__close(object);
	return err;
}

/*
 * `; source text @ file.c:123`: the newest such line is where the verifier stopped. Lines of the
 * run-time part say nothing to who wrote the program: what stands before them does.
 */
static void read_place(const char *log, struct verify_refusal *refusal)
{
	for (const char *line = log; line && *line; line = strchr(line, '\n')) {
		const char *end, *at = NULL, *colon;

		line += *line == '\n';
		if (*line != ';')
			continue;
		end = strchr(line, '\n');
		for (const char *p = line; p + 3 < end; p++)
			if (memcmp(p, " @ ", 3) == 0)
				at = p + 3;
		colon = at ? memchr(at, ':', (size_t)(end - at)) : NULL;
		if (!colon || (size_t)(colon - at) >= sizeof refusal->file)
			continue;
		if (refusal->line && strncmp(at, RUNTIME_FILE, sizeof RUNTIME_FILE - 1) == 0)
			continue;
		snprintf(refusal->file, sizeof refusal->file, "%.*s", (int)(colon - at), at);
		refusal->line = (unsigned)strtoul(colon + 1, NULL, 10);
	}
}

/* What the log tells beside the verdict: states, how it got there, the closing counts. */
static bool is_aside(const char *line)
{
	static const char *const asides[] = {
	    "processed ",  "from ",        "mark_precise",  "cur state: ",
	    "old state: ", "stack depth ", "propagating r", "verification time "};

	/* Instructions, the source; types, where the log begins with them. */
	if (isdigit((unsigned char)*line) || strchr(";[\t ", *line))
		return true;
	for (size_t i = 0; i < sizeof asides / sizeof *asides; i++)
		if (strncmp(line, asides[i], strlen(asides[i])) == 0)
			return true;
	return false;
}

static void read_message(char *log, struct verify_refusal *refusal)
{
	char *save = NULL;

	for (char *line = strtok_r(log, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!is_aside(line))
			snprintf(refusal->message, sizeof refusal->message, "%s", line);
}

int host_verify_object(const void *bytes, size_t size, struct verify_refusal *refusal)
{
	libbpf_print_fn_t before = libbpf_set_print(keep_map_failure);
	int err;
	char *log;

	*refusal = (struct verify_refusal){0};
	map_failure[0] = '\0';
	err = load(bytes, size, NULL, 0);
	if (err && err != -EPERM && map_failure[0]) {
		snprintf(refusal->message, sizeof refusal->message, "%s", map_failure);
	} else if (err && err != -EPERM) {
		log = calloc(1, LOG_BYTES);
		if (!log)
			return -ENOMEM;
		err = load(bytes, size, log, LOG_BYTES);
		read_place(log, refusal);
		read_message(log, refusal);
		free(log);
		if (!refusal->message[0])
			libbpf_strerror(err, refusal->message, sizeof refusal->message);
	}
	libbpf_set_print(before);
	return err == -EPERM ? err : !err;
}
