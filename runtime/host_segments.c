#include "runtime/host_offload.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/host_netlink.h"

enum { REPLY_BYTES = 32768, SEGMENTS_MOST = 65535 };

static uint32_t find_segments(const struct nlmsghdr *header, ssize_t length)
{
	struct rtattr *attribute;
	int left;

	if (length < (ssize_t)NLMSG_LENGTH(sizeof(struct ifinfomsg)) ||
	    header->nlmsg_type != RTM_NEWLINK || (ssize_t)header->nlmsg_len > length)
		return SEGMENTS_MOST;
	left = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof(struct ifinfomsg)));
	attribute = IFLA_RTA(NLMSG_DATA(header));
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
		if (attribute->rta_type == IFLA_GSO_MAX_SEGS && RTA_PAYLOAD(attribute) == 4)
			return *(uint32_t *)RTA_DATA(attribute);
	return SEGMENTS_MOST;
}

static uint32_t read_segments(const char *name)
{
	static union {
		struct nlmsghdr header;
		char bytes[REPLY_BYTES];
	} reply;
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = {.header = {.nlmsg_len = sizeof request,
				.nlmsg_type = RTM_GETLINK,
				.nlmsg_flags = NLM_F_REQUEST},
		     .info = {.ifi_index = (int)if_nametoindex(name)}};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ssize_t got = -1;

	if (fd >= 0 && send(fd, &request, sizeof request, 0) == (ssize_t)sizeof request)
		got = recv(fd, &reply, sizeof reply, 0);
	if (fd >= 0)
		close(fd);
	return find_segments(&reply.header, got);
}

/* Sockets ask a route's device once how much they may leave to it; they are to ask again. */
static void forget_routes(void)
{
	static const char *const paths[] = {"/proc/sys/net/ipv4/route/flush",
					    "/proc/sys/net/ipv6/route/flush"};

	for (unsigned i = 0; i < 2; i++) {
		int fd = open(paths[i], O_WRONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (write(fd, "1", 1) < 0)
			errno = 0; /* connections that are there keep what they know */
		close(fd);
	}
}

uint32_t host_segments_set(const char *name, uint32_t segments)
{
	struct ifinfomsg info = {.ifi_index = (int)if_nametoindex(name)};
	uint32_t before = read_segments(name);
	struct netlink_message m;

	netlink_start(&m, RTM_NEWLINK, 0, &info, sizeof info);
	netlink_put(&m, IFLA_GSO_MAX_SEGS, &segments, sizeof segments);
	netlink_talk(&m);
	forget_routes();
	return before;
}
