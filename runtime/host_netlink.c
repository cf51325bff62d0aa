#include "runtime/host_netlink.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

struct rtattr *netlink_put(struct netlink_message *m, unsigned short type, const void *data,
			   size_t size)
{
	struct rtattr *attr = (void *)((char *)m + NLMSG_ALIGN(m->header.nlmsg_len));

	assert((size_t)((char *)attr - (char *)m) + RTA_SPACE(size) <= sizeof *m);
	attr->rta_type = type;
	attr->rta_len = (unsigned short)RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(attr), data, size);
	m->header.nlmsg_len =
	    (uint32_t)(NLMSG_ALIGN(m->header.nlmsg_len) + RTA_ALIGN(attr->rta_len));
	return attr;
}

void netlink_end_nest(struct netlink_message *m, struct rtattr *nest)
{
	nest->rta_len = (unsigned short)((char *)m + m->header.nlmsg_len - (char *)nest);
}

void netlink_start(struct netlink_message *m, uint16_t type, uint16_t flags, const void *body,
		   size_t size)
{
	memset(m, 0, sizeof *m);
	m->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	m->header.nlmsg_type = type;
	m->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	memcpy(NLMSG_DATA(&m->header), body, size);
}

int netlink_talk(const struct netlink_message *m)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[1024];
	} reply;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (send(fd, m, m->header.nlmsg_len, 0) < 0 || recv(fd, &reply, sizeof reply, 0) < 0)
		err = -errno;
	else if (reply.header.nlmsg_type == NLMSG_ERROR)
		err = reply.error.error;
	close(fd);
	return err;
}
