/* Interfaces for TEST_RUN: taps, because their index can be chosen (TUNSETIFINDEX). */
#include "runtime/test_interfaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "support/diag.h"

int test_interfaces_enter(struct diag *diag)
{
	if (!unshare(CLONE_NEWNET))
		return 0;
	diag_error(diag, NO_LOC,
		   "cannot make a network namespace (%s): checking needs root, or CAP_SYS_ADMIN",
		   strerror(errno));
	return -errno;
}

static int add_tap(int fd, uint32_t ifindex)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	unsigned index = ifindex;

	if (ioctl(fd, TUNSETIFINDEX, &index) || ioctl(fd, TUNSETIFF, &request))
		return -errno;
	return 0;
}

int test_interfaces_add(uint32_t ifindex, struct diag *diag)
{
	char name[IF_NAMESIZE];
	int fd, err;

	if (if_indextoname(ifindex, name))
		return 0;
	/* The descriptor is kept: the interface lives as long as the process. */
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	err = fd < 0 ? -errno : add_tap(fd, ifindex);
	if (!err)
		return 0;
	if (fd >= 0)
		close(fd);
	diag_error(diag, NO_LOC, "cannot make an interface with index %u: %s", ifindex,
		   strerror(-err));
	return err;
}
