#include "runtime/user_part.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "support/diag.h"

struct user_part {
	void *handle;
	/*
	 * Open as long as the part is: dlopen knows objects by their path, so a second part
	 * behind the same number would be the first again.
	 */
	int fd;
};

static uint16_t host_machine(void)
{
	Elf64_Ehdr self = {0};
	FILE *f = fopen("/proc/self/exe", "re");

	if (!f)
		return EM_NONE;
	if (fread(&self, sizeof self, 1, f) != 1)
		self.e_machine = EM_NONE;
	fclose(f);
	return self.e_machine;
}

/* dlopen's own words for a foreign object ("cannot open shared object file") do not say what is
 * wrong. */
static int check_machine(const struct bundle *bundle, const struct bundle_member *member,
			 struct diag *diag)
{
	Elf64_Ehdr header;
	struct utsname host = {0};

	uname(&host);
	if (member->size < sizeof header || memcmp(member->bytes, ELFMAG, SELFMAG)) {
		diag_error(diag, NO_LOC, "%s in the bundle is not a shared object", member->name);
		return -EBADMSG;
	}
	memcpy(&header, member->bytes, sizeof header);
	if (header.e_machine == host_machine() && header.e_ident[EI_CLASS] == ELFCLASS64)
		return 0;
	diag_error(
	    diag, NO_LOC,
	    "the bundle's user part is native code for %s, this host is %s: build the bundle "
	    "again for this host",
	    bundle->machine ? bundle->machine : "another machine", host.machine);
	return -EBADMSG;
}

static int write_member(int fd, const struct bundle_member *member)
{
	for (size_t at = 0; at < member->size;) {
		ssize_t n = write(fd, (const char *)member->bytes + at, member->size - at);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* NULL, or why it cannot be loaded. */
static const char *load_from_memory(struct user_part *part, const struct bundle_member *member)
{
	char path[64];
	int err;

	part->fd = memfd_create("cleave-user", MFD_CLOEXEC);
	err = part->fd < 0 ? -errno : write_member(part->fd, member);
	if (err)
		return strerror(-err);
	snprintf(path, sizeof path, "/proc/self/fd/%d", part->fd);
	part->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	return part->handle ? NULL : dlerror();
}

int user_part_open(struct user_part **out, const struct bundle *bundle, const char *name,
		   struct diag *diag)
{
	const struct bundle_member *member = bundle_find(bundle, name);
	struct user_part *part;
	const uint32_t *abi;
	const char *why;

	if (!member) {
		diag_error(diag, NO_LOC, "the bundle has no %s", name);
		return -EBADMSG;
	}
	if (check_machine(bundle, member, diag))
		return -EBADMSG;
	part = calloc(1, sizeof *part);
	if (!part)
		return -ENOMEM;
	why = load_from_memory(part, member);
	abi = part->handle ? dlsym(part->handle, CLEAVE_USER_ABI_SYMBOL) : NULL;
	if (abi && *abi == CLEAVE_USER_ABI) {
		*out = part;
		return 0;
	}
	if (why)
		diag_error(diag, NO_LOC, "cannot load %s of the bundle: %s", name, why);
	else
		diag_error(
		    diag, NO_LOC,
		    "%s of the bundle has user interface version %u, this agent has %u: build "
		    "the bundle again",
		    name, abi ? *abi : 0, CLEAVE_USER_ABI);
	user_part_close(&part);
	return -EBADMSG;
}

void user_part_close(struct user_part **out)
{
	if (!*out)
		return;
	if ((*out)->handle)
		dlclose((*out)->handle);
	if ((*out)->fd >= 0)
		close((*out)->fd);
	free(*out);
	*out = NULL;
}

user_main_function *user_part_find(const struct user_part *part, const char *symbol)
{
	return (user_main_function *)dlsym(part->handle, symbol);
}
