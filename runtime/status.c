/*
 * What a running agent tells about itself: a JSON file beside its lock, written anew each second.
 * `cleaved status` reads it; whether the agent lives, the lock says.
 */
#include <dirent.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/agent.h"
#include "runtime/commands.h"
#include "runtime/lock.h"
#include "support/exit_codes.h"
#include "support/file.h"

static bool is_zero_copy(const struct agent *agent, uint32_t interface)
{
	for (uint32_t w = 0; w < agent->worker_count; w++)
		for (uint32_t p = 0; p < agent->workers[w].port_count; p++)
			if (agent->workers[w].ports[p].interface == interface)
				return io_is_zero_copy(agent->workers[w].ports[p].sock);
	return false;
}

static const char *copy_text(const struct agent *agent, uint32_t interface)
{
	if (!agent->worker_count)
		return "no sockets";
	return is_zero_copy(agent, interface) ? "zero copy" : "copy mode";
}

static const char *order_text(const struct agent *agent)
{
	return agent->bundle->strict && !agent->options->relaxed ? "strict" : "relaxed";
}

static json_t *interfaces_json(const struct agent *agent)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < agent->interface_count; i++)
		json_array_append_new(
		    array, json_pack("{s:s, s:s, s:s, s:s, s:i, s:b}", "name", agent->hosts[i].name,
				     "driver", agent->hosts[i].driver, "mode",
				     kernel_part_mode(agent->kernel, i), "af_xdp",
				     copy_text(agent, i), "queues", (int)agent->hosts[i].queues,
				     "survives_crash", kernel_part_pinned(agent->kernel, i)));
	return array;
}

json_t *agent_status_json(const struct agent *agent, const struct counters *counters)
{
	struct timespec now;
	json_t *json;

	clock_gettime(CLOCK_MONOTONIC, &now);
	json = json_pack("{s:i, s:s, s:s, s:I, s:i, s:s, s:I}", "pid", (int)getpid(), "bundle",
			 agent->options->bundle_path, "program", agent->bundle->program,
			 "generation", (json_int_t)kernel_part_generation(agent->kernel), "workers",
			 (int)agent->worker_count, "order", order_text(agent), "seconds",
			 (json_int_t)((uint64_t)now.tv_sec - agent->started_ns / 1000000000));
	json_object_set_new(json, "when_user_gone",
			    json_string(agent->options->gone_action == 2 ? "pass" : "drop"));
	json_object_set_new(json, "adopted", json_boolean(kernel_part_adopted(agent->kernel)));
	json_object_set_new(json, "interfaces", interfaces_json(agent));
	json_object_set_new(json, "counters", counters_json(counters, agent->bundle));
	return json;
}

void agent_write_status(const struct agent *agent, const struct counters *counters)
{
	json_t *json = agent_status_json(agent, counters);
	char *text = json_dumps(json, JSON_INDENT(2));
	char path[256];

	for (uint32_t i = 0; text && i < agent->interface_count; i++) {
		lock_path(path, sizeof path, agent->names[i], "json");
		file_write_atomic(path, text, strlen(text));
	}
	free(text);
	json_decref(json);
}

void agent_remove_status(const struct agent *agent)
{
	char path[256];

	for (uint32_t i = 0; i < agent->interface_count; i++) {
		lock_path(path, sizeof path, agent->names[i], "json");
		unlink(path);
	}
}

void agent_print_headline(const struct agent *agent, FILE *out)
{
	fprintf(out, "%s runs on", agent->bundle->program);
	for (uint32_t i = 0; i < agent->interface_count; i++)
		fprintf(out, "%s %s (%s%s, %s, %u queue%s)", i ? "," : "", agent->hosts[i].name,
			kernel_part_mode(agent->kernel, i),
			bundle_is_tc(agent->bundle) ? "" : " XDP", copy_text(agent, i),
			agent->hosts[i].queues, agent->hosts[i].queues == 1 ? "" : "s");
	fprintf(out, "; %u worker%s, %s order", agent->worker_count,
		agent->worker_count == 1 ? "" : "s", order_text(agent));
	fprintf(out, "%s\n",
		kernel_part_adopted(agent->kernel) ? "; state of a dead agent taken over" : "");
	fflush(out);
}

/* Prints one status file; false when its agent is dead. */
static bool print_status(const char *ifname, bool as_json)
{
	char path[256];
	json_t *json;
	pid_t owner = lock_owner(ifname);

	lock_path(path, sizeof path, ifname, "json");
	json = json_load_file(path, 0, NULL);
	if (!owner || !json) {
		json_decref(json);
		return false;
	}
	if (as_json) {
		json_dumpf(json, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		json_t *user = json_object_get(json_object_get(json, "counters"), "user");
		json_t *kernel = json_object_get(json_object_get(json, "counters"), "kernel");

		printf("%s: %s (%s), process %d, %lld s, %lld workers, %s order\n", ifname,
		       json_string_value(json_object_get(json, "program")),
		       json_string_value(json_object_get(json, "bundle")), owner,
		       (long long)json_integer_value(json_object_get(json, "seconds")),
		       (long long)json_integer_value(json_object_get(json, "workers")),
		       json_string_value(json_object_get(json, "order")));
		printf("  handed over to user %lld, run in user %lld\n",
		       (long long)json_integer_value(json_object_get(kernel, "to_user")),
		       (long long)json_integer_value(json_object_get(user, "packets")));
	}
	json_decref(json);
	return true;
}

/* Every interface of this network namespace that has a status file. */
static int print_all(bool as_json)
{
	char prefix[32];
	struct dirent *entry;
	DIR *dir = opendir(RUN_FOLDER);
	int found = 0;

	snprintf(prefix, sizeof prefix, "%" PRIu64 "-", host_netns_inode());
	while (dir && (entry = readdir(dir))) {
		char *end = strrchr(entry->d_name, '.');

		if (strncmp(entry->d_name, prefix, strlen(prefix)) || !end || strcmp(end, ".json"))
			continue;
		*end = '\0';
		found += print_status(entry->d_name + strlen(prefix), as_json);
	}
	if (dir)
		closedir(dir);
	return found;
}

int status_main(int argc, char **argv)
{
	const char *ifname = NULL;
	bool as_json = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			as_json = true;
		} else if (argv[i][0] != '-' && !ifname) {
			ifname = argv[i];
		} else {
			bool help = !strcmp(argv[i], "--help") || !strcmp(argv[i], "-h");

			fputs("usage: cleaved status [INTERFACE] [--json]\n",
			      help ? stdout : stderr);
			return help ? EXIT_CLEAVE_OK : EXIT_CLEAVE_USAGE;
		}
	}
	if (ifname ? print_status(ifname, as_json) : print_all(as_json))
		return EXIT_CLEAVE_OK;
	fprintf(stderr, "cleaved: no agent runs on %s in this network namespace\n",
		ifname ? ifname : "any interface");
	return EXIT_CLEAVE_HOST;
}
