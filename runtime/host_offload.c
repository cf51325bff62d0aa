#include "runtime/host_offload.h"

#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>

static const struct {
	uint32_t offload, get, set;
} commands[] = {
    /* TSO needs scatter-gather and checksums: off first, on last */
    {OFFLOAD_TSO, ETHTOOL_GTSO, ETHTOOL_STSO},
    {OFFLOAD_GSO, ETHTOOL_GGSO, ETHTOOL_SGSO},
    {OFFLOAD_SCATTER, ETHTOOL_GSG, ETHTOOL_SSG},
    {OFFLOAD_CHECKSUM, ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM},
    {OFFLOAD_GRO, ETHTOOL_GGRO, ETHTOOL_SGRO},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static uint32_t ask(int fd, const char *name, uint32_t command, uint32_t data)
{
	struct ethtool_value value = {.cmd = command, .data = data};
	struct ifreq request = {.ifr_data = (void *)&value};

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? 0 : value.data;
}

uint32_t host_offload_off(const char *name, uint32_t offloads)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t were = 0;

	if (fd < 0)
		return 0;
	for (unsigned i = 0; i < COMMANDS; i++)
		if (offloads & commands[i].offload && ask(fd, name, commands[i].get, 0))
			were |= commands[i].offload;
	for (unsigned i = 0; i < COMMANDS; i++)
		if (were & commands[i].offload)
			ask(fd, name, commands[i].set, 0);
	close(fd);
	return were;
}

void host_offload_on(const char *name, uint32_t offloads)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	for (unsigned i = COMMANDS; i-- > 0;)
		if (offloads & commands[i].offload)
			ask(fd, name, commands[i].set, 1);
	close(fd);
}
