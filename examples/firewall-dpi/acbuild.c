/*
 * Compiles a rule file to the maps of firewall-dpi: the rows of the automaton and the rules' sids,
 * added to the maps of a policy file.
 *
 *     cc -o acbuild acbuild.c -ljansson
 *     ./acbuild rules/example.rules traffic/policy.json > traffic/maps.json
 *
 * The automaton is that of Aho and Corasick (CACM 18(6), 1975), made by subset construction: a
 * state is the set of pattern prefixes that end at the last byte. That way patterns of either
 * case-sensitivity share one automaton.
 */
#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATTERNS_MAX = 255, PATTERN_BYTES_MAX = 255, STATES_MAX = 4096, LINE_MAX_BYTES = 1024 };

struct pattern {
	unsigned char byte[PATTERN_BYTES_MAX];
	unsigned length;
	bool nocase;
	unsigned sid;
};

/* The longest prefix tells all shorter ones that end at the same byte. */
struct state {
	unsigned short
	    position[PATTERNS_MAX]; /* longest prefix of each pattern that ends here, 0 none */
	unsigned short next[256];
	unsigned rule;
};

static struct pattern patterns[PATTERNS_MAX];
static unsigned pattern_count;
static struct state *states;
static unsigned state_count;

static int fail(const char *file, unsigned line, const char *what)
{
	fprintf(stderr, "%s:%u: %s\n", file, line, what);
	return 1;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes of content:"..."; NULL, or what is wrong. */
static const char *parse_content(const char *text, struct pattern *pattern)
{
	bool hex = false;

	for (; *text != '"'; text++) {
		int value = (unsigned char)*text;

		if (!*text)
			return "content has no closing quote";
		if (*text == '|') {
			hex = !hex;
			continue;
		}
		if (hex && isspace((unsigned char)*text))
			continue;
		if (hex) {
			int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

			if (low < 0)
				return "two hexadecimal digits expected between the bars";
			value = high << 4 | low;
			text++;
		} else if (*text == '\\' && text[1]) {
			value = (unsigned char)*++text;
		}
		if (pattern->length == PATTERN_BYTES_MAX)
			return "content is longer than 255 bytes";
		pattern->byte[pattern->length++] = value;
	}
	return hex               ? "content has an odd number of bars"
	       : pattern->length ? NULL
				 : "content is empty";
}

static const char *parse_rule(const char *line, struct pattern *pattern)
{
	const char *content = strstr(line, "content:\""), *sid = strstr(line, "sid:"), *wrong;

	if (!content || !sid)
		return "a rule needs content:\"...\" and sid:N";
	wrong = parse_content(content + strlen("content:\""), pattern);
	if (wrong)
		return wrong;
	pattern->nocase = strstr(line, "nocase;") != NULL;
	pattern->sid = strtoul(sid + strlen("sid:"), NULL, 10);
	return pattern->sid ? NULL : "sid is not a number above 0";
}

static int read_rules(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[LINE_MAX_BYTES];
	const char *wrong = NULL;
	unsigned number = 0;

	if (!file) {
		perror(path);
		return 1;
	}
	while (!wrong && fgets(line, sizeof(line), file)) {
		number++;
		if (line[0] == '#' || line[strspn(line, " \t\r\n")] == '\0')
			continue;
		if (pattern_count == PATTERNS_MAX)
			wrong = "more than 255 rules";
		else
			wrong = parse_rule(line, &patterns[pattern_count++]);
	}
	fclose(file);
	return wrong ? fail(path, number, wrong) : 0;
}

static bool same_byte(const struct pattern *pattern, unsigned at, unsigned byte)
{
	if (pattern->nocase)
		return tolower(pattern->byte[at]) == tolower((int)byte);
	return pattern->byte[at] == byte;
}

/* Whether the pattern's first `length` bytes end with its own first `prefix` ones. */
static bool has_border(const struct pattern *pattern, unsigned length, unsigned prefix)
{
	for (unsigned i = 0; i < prefix; i++) {
		if (!same_byte(pattern, length - prefix + i, pattern->byte[i]))
			return false;
	}
	return true;
}

/* The longest prefix that ends behind byte, when the longest before it had `length` bytes. */
static unsigned advance(const struct pattern *pattern, unsigned length, unsigned byte)
{
	for (unsigned prefix = length + 1; prefix-- > 0;) {
		if (prefix < pattern->length && has_border(pattern, length, prefix) &&
		    same_byte(pattern, prefix, byte))
			return prefix + 1;
	}
	return 0;
}

static int find_or_add(const struct state *wanted)
{
	size_t bytes = pattern_count * sizeof(wanted->position[0]);

	for (unsigned i = 0; i < state_count; i++) {
		if (!memcmp(states[i].position, wanted->position, bytes))
			return i;
	}
	if (state_count == STATES_MAX)
		return -1;
	states[state_count] = *wanted;
	return state_count++;
}

/* The lowest number of a rule whose whole pattern ends here. */
static unsigned find_rule(const struct state *state)
{
	for (unsigned i = 0; i < pattern_count; i++) {
		if (state->position[i] == patterns[i].length)
			return i + 1;
	}
	return 0;
}

static int build_automaton(void)
{
	struct state empty = {0};

	find_or_add(&empty);
	for (unsigned at = 0; at < state_count; at++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			struct state next = {0};
			int index;

			for (unsigned i = 0; i < pattern_count; i++)
				next.position[i] =
				    advance(&patterns[i], states[at].position[i], byte);
			index = find_or_add(&next);
			if (index < 0)
				return -1;
			states[at].next[byte] = index;
		}
		states[at].rule = find_rule(&states[at]);
	}
	return 0;
}

static json_t *make_rows(void)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < state_count; i++) {
		json_t *next = json_array();

		for (unsigned byte = 0; byte < 256; byte++)
			json_array_append_new(next, json_integer(states[i].next[byte]));
		json_array_append_new(rows, json_pack("{s:i, s:{s:o, s:i}}", "key", i, "value",
						      "next", next, "rule", states[i].rule));
	}
	return rows;
}

static json_t *make_rules(void)
{
	json_t *rules = json_array();

	for (unsigned i = 0; i < pattern_count; i++)
		json_array_append_new(rules, json_pack("{s:i, s:{s:i, s:i}}", "key", i + 1, "value",
						       "sid", patterns[i].sid, "hits", 0));
	return rules;
}

/* One entry a line, so that a change of the rules shows as such. */
static void print_maps(json_t *maps)
{
	const char *name, *gap = "{";
	json_t *entries, *entry;
	size_t i;

	json_object_foreach(maps, name, entries)
	{
		printf("%s\n\"%s\": ", gap, name);
		if (json_is_array(entries)) {
			printf("[");
			json_array_foreach(entries, i, entry)
			{
				printf(i ? ",\n" : "\n");
				json_dumpf(entry, stdout, JSON_COMPACT);
			}
			printf("]");
		} else {
			json_dumpf(entries, stdout, JSON_COMPACT);
		}
		gap = ",";
	}
	printf("\n}\n");
}

int main(int argc, char **argv)
{
	json_error_t error;
	json_t *maps;

	if (argc != 3) {
		fprintf(stderr, "usage: acbuild RULES POLICY.json > MAPS.json\n");
		return 2;
	}
	if (read_rules(argv[1]))
		return 1;
	maps = json_load_file(argv[2], 0, &error);
	if (!maps)
		return fail(argv[2], error.line, error.text);
	states = calloc(STATES_MAX, sizeof(*states));
	if (!states || build_automaton()) {
		fprintf(stderr, "%s: the automaton needs more than %d states\n", argv[1],
			STATES_MAX);
		return 1;
	}
	json_object_set_new(maps, "automaton", make_rows());
	json_object_set_new(maps, "rules", make_rules());
	print_maps(maps);
	fprintf(stderr, "%u rules, %u states\n", pattern_count, state_count);
	json_decref(maps);
	free(states);
	return fflush(stdout) ? 1 : 0;
}
