#include "runtime/host_interface.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <linux/veth.h>

#include "runtime/host_netlink.h"

static int ask(int fd, struct ifreq *request, unsigned long number)
{
	return ioctl(fd, number, request) < 0 ? -errno : 0;
}

/* Drivers without ethtool channels (tap, bridge, ...) have one queue. */
static void read_queues(int fd, struct ifreq *request, struct host_interface *interface)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};

	interface->queues = interface->transmit_queues = 1;
	request->ifr_data = (void *)&channels;
	if (ask(fd, request, SIOCETHTOOL) < 0)
		return;
	if (channels.combined_count + channels.rx_count)
		interface->queues = channels.combined_count + channels.rx_count;
	if (channels.combined_count + channels.tx_count)
		interface->transmit_queues = channels.combined_count + channels.tx_count;
}

static void read_driver(int fd, struct ifreq *request, struct host_interface *interface)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};

	request->ifr_data = (void *)&info;
	if (ask(fd, request, SIOCETHTOOL) == 0)
		snprintf(interface->driver, sizeof interface->driver, "%.*s", 31, info.driver);
	else
		snprintf(interface->driver, sizeof interface->driver, "unknown");
}

int host_interface_read(const char *name, struct host_interface *interface)
{
	struct ifreq request = {0};
	int fd, err;

	memset(interface, 0, sizeof *interface);
	if (strlen(name) >= IF_NAMESIZE)
		return -ENODEV;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	strcpy(interface->name, name);
	strcpy(request.ifr_name, name);
	err = ask(fd, &request, SIOCGIFINDEX);
	interface->ifindex = (uint32_t)request.ifr_ifindex;
	if (!err)
		err = ask(fd, &request, SIOCGIFMTU);
	interface->mtu = (uint32_t)request.ifr_mtu;
	if (!err)
		err = ask(fd, &request, SIOCGIFFLAGS);
	interface->up = request.ifr_flags & IFF_UP;
	if (!err) {
		read_queues(fd, &request, interface);
		read_driver(fd, &request, interface);
	}
	close(fd);
	return err;
}

uint64_t host_netns_inode(void)
{
	struct stat st;

	return stat("/proc/thread-self/ns/net", &st) < 0 ? 0 : st.st_ino;
}

static void start(struct netlink_message *m, uint16_t type, uint16_t flags,
		  const struct ifinfomsg *info)
{
	netlink_start(m, type, flags, info, sizeof *info);
}

static void put_link(struct netlink_message *m, const char *name, uint32_t queues, uint32_t mtu)
{
	netlink_put(m, IFLA_IFNAME, name, strlen(name) + 1);
	netlink_put(m, IFLA_MTU, &mtu, sizeof mtu);
	netlink_put(m, IFLA_NUM_TX_QUEUES, &queues, sizeof queues);
	netlink_put(m, IFLA_NUM_RX_QUEUES, &queues, sizeof queues);
}

static int create_pair(const char *name, const char *peer, uint32_t queues, uint32_t mtu)
{
	struct rtattr *link_info, *data, *peer_info;
	struct ifinfomsg none = {0};
	struct netlink_message m;

	start(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &none);
	put_link(&m, name, queues, mtu);
	link_info = netlink_put(&m, IFLA_LINKINFO, NULL, 0);
	netlink_put(&m, IFLA_INFO_KIND, "veth", 4);
	data = netlink_put(&m, IFLA_INFO_DATA, NULL, 0);
	peer_info = netlink_put(&m, VETH_INFO_PEER, &none, sizeof none);
	put_link(&m, peer, queues, mtu);
	netlink_end_nest(&m, peer_info);
	netlink_end_nest(&m, data);
	netlink_end_nest(&m, link_info);
	return netlink_talk(&m);
}

/* While the link is down, so that it never sends router solicitations or neighbour discovery. */
static void disable_ipv6(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return; /* no IPv6 here */
	if (write(fd, "1", 1) < 0)
		errno = 0; /* the tc program's interface drops what is not for it */
	close(fd);
}

static int set_up(const char *name)
{
	struct ifinfomsg info = {.ifi_index = (int)if_nametoindex(name),
				 .ifi_flags = IFF_UP | IFF_NOARP,
				 .ifi_change = IFF_UP | IFF_NOARP};
	struct netlink_message m;

	disable_ipv6(name);
	start(&m, RTM_NEWLINK, 0, &info);
	return netlink_talk(&m);
}

int host_link_delete(const char *name)
{
	struct ifinfomsg info = {.ifi_index = (int)if_nametoindex(name)};
	struct netlink_message m;

	if (!info.ifi_index)
		return -ENODEV;
	start(&m, RTM_DELLINK, 0, &info);
	return netlink_talk(&m);
}

int host_copy_address(const char *to, const char *from)
{
	struct ifinfomsg info = {.ifi_index = (int)if_nametoindex(to)};
	struct ifreq request = {0};
	struct netlink_message m;
	int err, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", from);
	err = ask(fd, &request, SIOCGIFHWADDR);
	close(fd);
	if (err)
		return err;
	start(&m, RTM_NEWLINK, 0, &info);
	netlink_put(&m, IFLA_ADDRESS, request.ifr_hwaddr.sa_data, 6);
	return netlink_talk(&m);
}

int host_veth_new(const char *name, const char *peer, uint32_t queues, uint32_t mtu)
{
	int err;

	host_link_delete(name);
	err = create_pair(name, peer, queues, mtu);
	if (err)
		return err;
	err = set_up(name);
	if (!err)
		err = set_up(peer);
	if (err)
		host_link_delete(name);
	return err;
}
