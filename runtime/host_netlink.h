/*
 * One rtnetlink request at a time: start, put attributes, talk.
 *
 *     netlink_start(&m, RTM_DELLINK, 0, &info, sizeof info);
 *     err = netlink_talk(&m);
 */
#ifndef CLEAVE_RUNTIME_HOST_NETLINK_H
#define CLEAVE_RUNTIME_HOST_NETLINK_H

#include <stddef.h>
#include <stdint.h>
#include <linux/rtnetlink.h>

struct netlink_message {
	struct nlmsghdr header;
	char rest[1024];
};

/* body: the fixed structure behind the header (struct ifinfomsg, struct tcmsg). */
void netlink_start(struct netlink_message *m, uint16_t type, uint16_t flags, const void *body,
		   size_t size);
/* data may be NULL with size 0: the beginning of a nest. */
struct rtattr *netlink_put(struct netlink_message *m, unsigned short type, const void *data,
			   size_t size);
void netlink_end_nest(struct netlink_message *m, struct rtattr *nest);
/* Sends it and waits for the answer: 0 or the kernel's negative errno. */
int netlink_talk(const struct netlink_message *m);

#endif
