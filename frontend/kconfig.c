#include "frontend/kconfig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <zlib.h>

#include "support/arena.h"

#define VERSION_NAME "LINUX_KERNEL_VERSION"
#define PROC_CONFIG  "/proc/config.gz"

enum { LINE_MAX_BYTES = 4096 };

/* The text behind "NAME=" of the kernel's configuration, or NULL. gzopen reads plain files too. */
static const char *find_setting(struct arena *arena, const char *path, const char *name)
{
	char line[LINE_MAX_BYTES];
	size_t length = strlen(name);
	const char *found = NULL;
	gzFile file = gzopen(path, "re");

	while (file && !found && gzgets(file, line, sizeof line)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, name, length) && line[length] == '=')
			found = arena_strdup(arena, line + length + 1);
	}
	if (file)
		gzclose(file);
	return found;
}

static bool find_version(uint64_t *version)
{
	struct utsname host;
	unsigned major, minor, patch = 0;

	if (uname(&host) || sscanf(host.release, "%u.%u.%u", &major, &minor, &patch) < 2)
		return false;
	*version = major << 16 | minor << 8 | (patch > 255 ? 255 : patch);
	return true;
}

static bool is_bool(const struct btf_type *t)
{
	uint32_t data;

	memcpy(&data, t + 1, sizeof data);
	return BTF_INFO_KIND(t->info) == BTF_KIND_INT && BTF_INT_ENCODING(data) & BTF_INT_BOOL;
}

static bool is_tristate(const struct bpf_types *types, const struct btf_type *t)
{
	return BTF_INFO_KIND(t->info) == BTF_KIND_ENUM && t->size == 4 &&
	       !strcmp(bpf_types_name(types, t), "libbpf_tristate");
}

/* y, n or m: for a bool, a char, or an enum libbpf_tristate {no, yes, module}. */
static bool read_letter(const struct bpf_types *types, const struct btf_type *t, char letter,
			uint8_t *bytes)
{
	if (is_bool(t) && letter != 'm')
		bytes[0] = letter == 'y';
	else if (is_tristate(types, t))
		bytes[0] = letter == 'y' ? 1 : letter == 'm' ? 2 : 0;
	else if (BTF_INFO_KIND(t->info) == BTF_KIND_INT && t->size == 1 && !is_bool(t))
		bytes[0] = (uint8_t)letter;
	else
		return false;
	return true;
}

static bool read_number(const struct btf_type *t, const char *text, uint8_t *bytes)
{
	char *end;
	uint64_t number = strtoull(text, &end, 0);

	if (BTF_INFO_KIND(t->info) != BTF_KIND_INT || is_bool(t) || t->size > 8 || end == text ||
	    *end)
		return false;
	memcpy(bytes, &number, t->size);
	return t->size == 8 || *text == '-' || number >> 8 * t->size == 0;
}

/* "text": as much of it as there is room for, and a NUL. */
static bool read_text(const struct btf_type *t, const char *text, uint8_t *bytes, uint64_t size)
{
	size_t length = strlen(text);

	if (BTF_INFO_KIND(t->info) != BTF_KIND_ARRAY || length < 2 || text[length - 1] != '"' ||
	    !size)
		return false;
	length -= 2;
	memcpy(bytes, text + 1, length < size ? length : size - 1);
	return true;
}

static bool read_setting(const struct bpf_types *types, const struct btf_type *t, const char *text,
			 uint8_t *bytes, uint64_t size)
{
	if (*text == '"')
		return read_text(t, text, bytes, size);
	if (strchr("ynm", *text) && !text[1])
		return read_letter(types, t, *text, bytes);
	return read_number(t, text, bytes);
}

static const char *find_config(struct arena *arena, const char *name)
{
	struct utsname host;
	const char *found = NULL;

	if (!uname(&host))
		found =
		    find_setting(arena, arena_printf(arena, "/boot/config-%s", host.release), name);
	return found ?: find_setting(arena, PROC_CONFIG, name);
}

const uint8_t *kconfig_value(struct arena *arena, const struct bpf_types *types, uint32_t type,
			     const char *name, bool weak, const char **why)
{
	const struct btf_type *t = bpf_types_bare(types, type);
	uint64_t size = bpf_types_size(types, type), version;
	uint8_t *bytes = size && size <= LINE_MAX_BYTES ? arena_alloc(arena, size) : NULL;
	const char *text;

	*why = "its type is not understood";
	if (!t || !bytes)
		return NULL;
	if (!strcmp(name, VERSION_NAME)) {
		if (!find_version(&version) || size < 4 || size > 8)
			return NULL;
		memcpy(bytes, &version, size);
		return bytes;
	}
	*why = "only settings and the version of the kernel are known";
	if (strncmp(name, "CONFIG_", 7))
		return NULL;
	text = find_config(arena, name);
	*why = text ? "its type does not fit the setting" : "the kernel here does not set it";
	if (text)
		return read_setting(types, t, text, bytes, size) ? bytes : NULL;
	return weak ? bytes : NULL;
}
