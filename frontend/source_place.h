/*
 * Where clang runs and what it is told about paths, so that what it makes is the same wherever the
 * source lies, wherever cleave was started and however the user named the source:
 *
 * - it is given the source's absolute path, and writes `.` for the source's folder (in debug info
 *   and __FILE__); ir/source_file.h is the way back for those names;
 * - it runs in the source's folder, for there it finds the lines of source text that go into BTF;
 * - so folders of headers that the user gave (-I) get the user's working directory in front;
 *   from the names of headers that are found there it is taken off again;
 * - in its messages all folders are put back as the user gave them.
 *
 * With a flag that may name a file in a way that is not known here, clang runs where cleave does.
 */
#ifndef CLEAVE_FRONTEND_SOURCE_PLACE_H
#define CLEAVE_FRONTEND_SOURCE_PLACE_H

struct arena;
struct diag;

struct source_place {
	char *path;           /* absolute */
	const char *absolute; /* its folder, with a slash behind it */
	const char *given;    /* the same folder in the user's words; "" for none */
	const char *folder;   /* to run in */
	char **flags;         /* what clang gets in place of the user's flags; ends with NULL */
	const char *here; /* the working directory with a slash, where the flags name it; or NULL */
};

struct frontend_input;

/* Of a source that exists. Returns 0 or a negative errno, reported. */
int source_place_find(struct arena *arena, const struct frontend_input *input,
		      struct source_place *place, struct diag *diag);
/* clang's messages for the user, in the arena. */
const char *source_place_restore(struct arena *arena, const struct source_place *place,
				 const char *messages);

#endif
