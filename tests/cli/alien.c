/* alien IN OUT: the bundle as one built on another machine, its native code included. */
#include "bundle/bundle.h"
#include "support/arena.h"
#include "support/diag.h"

#include <elf.h>
#include <string.h>

static void make_alien(struct bundle *b, const char *name)
{
	const struct bundle_member *member = bundle_find(b, name);
	char *bytes;

	if (!member)
		return;
	bytes = arena_strndup(b->arena, member->bytes, member->size);
	((Elf64_Ehdr *)(void *)bytes)->e_machine = EM_AARCH64;
	bundle_add(b, name, bytes, member->size);
}

int main(int argc, char **argv)
{
	struct diag diag = {.out = stderr, .prog = "alien"};
	struct bundle *b;
	int err;

	if (argc != 3 || bundle_read(argv[1], &b, &diag))
		return 1;
	b->machine = "aarch64";
	make_alien(b, BUNDLE_MEMBER_USER);
	make_alien(b, BUNDLE_MEMBER_REPLAY);
	err = bundle_write(b, argv[2], &diag);
	bundle_free(&b);
	return err != 0;
}
