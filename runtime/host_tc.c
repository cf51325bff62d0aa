#include "runtime/host_interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_mirred.h>

#include "runtime/host_netlink.h"

/* Makes the place filters attach to; replacing it drops the ones that are there. */
static int renew_qdisc(int ifindex)
{
	struct tcmsg tc = {.tcm_family = AF_UNSPEC,
			   .tcm_ifindex = ifindex,
			   .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
			   .tcm_parent = TC_H_CLSACT};
	struct netlink_message m;
	int err;

	netlink_start(&m, RTM_DELQDISC, 0, &tc, sizeof tc);
	netlink_talk(&m); /* there may be none */
	netlink_start(&m, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &tc, sizeof tc);
	netlink_put(&m, TCA_KIND, "clsact", sizeof "clsact");
	err = netlink_talk(&m);
	return err;
}

static void put_mirred(struct netlink_message *m, uint32_t to)
{
	struct tc_mirred mirred = {
	    .action = TC_ACT_STOLEN, .eaction = TCA_INGRESS_REDIR, .ifindex = to};
	struct rtattr *actions = netlink_put(m, TCA_U32_ACT, NULL, 0);
	struct rtattr *first = netlink_put(m, 1, NULL, 0), *options;

	netlink_put(m, TCA_ACT_KIND, "mirred", sizeof "mirred");
	options = netlink_put(m, TCA_ACT_OPTIONS, NULL, 0);
	netlink_put(m, TCA_MIRRED_PARMS, &mirred, sizeof mirred);
	netlink_end_nest(m, options);
	netlink_end_nest(m, first);
	netlink_end_nest(m, actions);
}

int host_mirror_ingress(const char *from, uint32_t to)
{
	/* One key with an empty mask: every packet. */
	struct {
		struct tc_u32_sel sel;
		struct tc_u32_key key;
	} all = {.sel = {.flags = TC_U32_TERMINAL, .nkeys = 1}};
	struct tcmsg tc = {.tcm_family = AF_UNSPEC,
			   .tcm_ifindex = (int)if_nametoindex(from),
			   .tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
			   .tcm_info = TC_H_MAKE(1 << 16, htons(ETH_P_ALL))};
	struct netlink_message m;
	struct rtattr *options;
	int err = renew_qdisc(tc.tcm_ifindex);

	if (err)
		return err;
	netlink_start(&m, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &tc, sizeof tc);
	netlink_put(&m, TCA_KIND, "u32", sizeof "u32");
	options = netlink_put(&m, TCA_OPTIONS, NULL, 0);
	netlink_put(&m, TCA_U32_SEL, &all, sizeof all);
	put_mirred(&m, to);
	netlink_end_nest(&m, options);
	return netlink_talk(&m);
}
