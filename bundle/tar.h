/*
 * The container of a bundle: a POSIX ustar archive in memory.
 *
 * Written with nothing in it that depends on when, where or by whom (time 0, owner 0, mode 0644),
 * so the same members give the same bytes. Read strictly: regular files with plain names only, no
 * extension headers, and the archive is exactly as long as its members need.
 */
#ifndef CLEAVE_BUNDLE_TAR_H
#define CLEAVE_BUNDLE_TAR_H

#include <stddef.h>

struct arena;
struct bundle_member;

enum {
	/* More than the members we know; a bundle of a later format may have some more. */
	TAR_MEMBERS_MAX = 64,
};

/* The archive of these members, in their order. Returns 0 or a negative errno. */
int bundle_tar_emit(struct arena *arena, const struct bundle_member *members, size_t count,
		    char **bytes, size_t *size);

/*
 * The members of an archive, copied into the arena, each with a NUL behind its bytes (not counted)
 * and its digest computed. Returns 0, or -EBADMSG with *why set to a plain sentence.
 */
int bundle_tar_parse(struct arena *arena, const void *bytes, size_t size,
		     struct bundle_member **members, size_t *count, const char **why);

#endif
