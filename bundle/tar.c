#include "bundle/tar.h"
#include "bundle/bundle.h"
#include "bundle/digest.h"
#include "support/arena.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

enum {
	BLOCK_BYTES = 512,
	END_BYTES = 2 * BLOCK_BYTES, /* two blocks of zeros end an archive */
};

static size_t member_bytes(size_t size)
{
	return BLOCK_BYTES + (size + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
}

static bool write_member(struct archive *out, const struct bundle_member *member)
{
	struct archive_entry *entry = archive_entry_new();
	bool done;

	if (!entry)
		return false;
	archive_entry_set_pathname(entry, member->name);
	archive_entry_set_size(entry, (la_int64_t)member->size);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_mtime(entry, 0, 0);
	done = archive_write_header(out, entry) == ARCHIVE_OK &&
	       archive_write_data(out, member->bytes, member->size) == (la_ssize_t)member->size;
	archive_entry_free(entry);
	return done;
}

int bundle_tar_emit(struct arena *arena, const struct bundle_member *members, size_t count,
		    char **bytes, size_t *size)
{
	struct archive *out = archive_write_new();
	size_t room = END_BYTES, used = 0;
	bool done;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		room += member_bytes(members[i].size);
	*bytes = arena_alloc(arena, room);
	archive_write_set_bytes_per_block(out, BLOCK_BYTES);
	archive_write_set_bytes_in_last_block(out, BLOCK_BYTES);
	done = archive_write_set_format_ustar(out) == ARCHIVE_OK &&
	       archive_write_open_memory(out, *bytes, room, &used) == ARCHIVE_OK;
	for (size_t i = 0; done && i < count; i++)
		done = write_member(out, &members[i]);
	done = archive_write_close(out) == ARCHIVE_OK && done && used == room;
	archive_write_free(out);
	*size = room;
	return done ? 0 : -EINVAL;
}

/* Names end up in messages and as names of files: nothing but plain ones. */
static bool check_name(const char *name)
{
	if (!name || !*name || *name == '.' || strlen(name) > 64)
		return false;
	for (; *name; name++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
			    *name))
			return false;
	return true;
}

static const char *check_header(struct archive *in, struct archive_entry *entry, size_t room)
{
	if (archive_format(in) != ARCHIVE_FORMAT_TAR_USTAR)
		return "it is not a plain ustar archive";
	if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) ||
	    archive_entry_symlink(entry) || archive_entry_sparse_count(entry))
		return "a member is not a plain file";
	if (!check_name(archive_entry_pathname(entry)))
		return "a member has an odd name";
	if (!archive_entry_size_is_set(entry) || archive_entry_size(entry) < 0 ||
	    (size_t)archive_entry_size(entry) > room)
		return "a member is longer than the file";
	return NULL;
}

static bool read_member(struct archive *in, char *bytes, size_t size)
{
	size_t got = 0;

	while (got < size) {
		la_ssize_t n = archive_read_data(in, bytes + got, size - got);

		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

struct member_list {
	struct bundle_member *members;
	size_t count, cap;
	size_t bytes; /* of the archive that the members explain */
};

/* Takes the next member. Returns 1, 0 at the end, or -EBADMSG. */
static int next_member(struct arena *arena, struct archive *in, size_t size,
		       struct member_list *list, const char **why)
{
	struct archive_entry *entry;
	struct bundle_member *member;
	int ret = archive_read_next_header(in, &entry);
	char *bytes;

	if (ret == ARCHIVE_EOF)
		return 0;
	*why = ret != ARCHIVE_OK                ? "its archive structure is broken"
	       : list->count == TAR_MEMBERS_MAX ? "it has too many members"
						: check_header(in, entry, size - list->bytes);
	if (*why)
		return -EBADMSG;
	member = ARENA_PUSH(arena, list->members, list->count, list->cap);
	member->name = arena_strdup(arena, archive_entry_pathname(entry));
	member->size = (size_t)archive_entry_size(entry);
	list->bytes += member_bytes(member->size);
	*why = "it ends in the middle of a member";
	if (list->bytes > size)
		return -EBADMSG;
	bytes = arena_alloc(arena, member->size + 1);
	if (!read_member(in, bytes, member->size))
		return -EBADMSG;
	member->bytes = bytes;
	bundle_digest_compute(bytes, member->size, member->digest);
	return 1;
}

int bundle_tar_parse(struct arena *arena, const void *bytes, size_t size,
		     struct bundle_member **members, size_t *count, const char **why)
{
	struct member_list list = {0};
	struct archive *in = archive_read_new();
	int err = -EBADMSG;

	*why = "libarchive cannot read it";
	if (in && archive_read_support_format_tar(in) == ARCHIVE_OK &&
	    archive_read_open_memory(in, bytes, size) == ARCHIVE_OK)
		do
			err = next_member(arena, in, size, &list, why);
		while (err > 0);
	if (in)
		archive_read_free(in);
	if (!err && size != list.bytes + END_BYTES) {
		*why = "it is longer or shorter than its members";
		err = -EBADMSG;
	}
	*members = list.members;
	*count = list.count;
	return err;
}
