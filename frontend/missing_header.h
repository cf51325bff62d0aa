/*
 * A header that is not there but can be made: vmlinux.h, from the kernel's BTF. It exists for clang
 * alone, in memory, at a place of its own (clang's -ivfsoverlay).
 *
 *     struct missing_header header = {0};
 *     if (missing_header_make(arena, errors, btf, &header) > 0)
 *             ... run clang again with header.flags ...
 *     missing_header_close(&header);
 */
#ifndef CLEAVE_FRONTEND_MISSING_HEADER_H
#define CLEAVE_FRONTEND_MISSING_HEADER_H

struct arena;

struct missing_header {
	const char *name;     /* as it was included */
	const char *from;     /* the file with BTF */
	const char *flags[5]; /* for clang, NULL behind the last */
	int files[2];         /* open while clang runs, where count says so */
	unsigned count;
};

/*
 * errors: what clang said. btf: the file with the kernel's BTF, or NULL: this kernel's. Returns 1
 * when the header is there now, 0 when clang misses nothing that can be made, or a negative errno.
 */
int missing_header_make(struct arena *arena, const char *errors, const char *btf,
			struct missing_header *header);
void missing_header_close(struct missing_header *header);

#endif
