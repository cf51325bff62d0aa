/* Routes asked of the kernel, in a network namespace that has one neighbour. */
#include "runtime/host_route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char commands[] = "exec >/dev/null 2>&1\n"
			       "ip link add here type veth peer name there &&\n"
			       "ip link set here up && ip link set there up &&\n"
			       "ip addr add 192.0.2.1/24 dev here &&\n"
			       "ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev here &&\n"
			       "ip route add 198.51.100.0/24 via 192.0.2.7 &&\n"
			       "echo 1 >/proc/sys/net/ipv4/ip_forward\n";

static struct bpf_fib_lookup asked_for(const char *to, uint16_t bytes)
{
	return (struct bpf_fib_lookup){.family = AF_INET,
				       .l4_protocol = IPPROTO_UDP,
				       .tot_len = bytes,
				       .ifindex = if_nametoindex("here"),
				       .ipv4_src = inet_addr("192.0.2.9"),
				       .ipv4_dst = inet_addr(to)};
}

static void a_route_is_found_and_described(void **state)
{
	static const uint8_t neighbour[6] = {2, 0, 0, 0, 0, 7};
	struct bpf_fib_lookup fib = asked_for("198.51.100.200", 100);
	int fd = host_route_open();

	assert_true(fd >= 0);
	assert_int_equal(host_route_find(fd, &fib, sizeof fib, 0), BPF_FIB_LKUP_RET_SUCCESS);
	assert_memory_equal(fib.dmac, neighbour, sizeof neighbour);
	assert_int_equal(fib.ifindex, if_nametoindex("here"));
	assert_int_equal(fib.ipv4_dst, inet_addr("192.0.2.7"));
	close(fd);
}

static void what_else_the_kernel_says(void **state)
{
	struct bpf_fib_lookup unknown = asked_for("192.0.2.8", 100), as_it_was = unknown;
	struct bpf_fib_lookup long_one = asked_for("192.0.2.7", 9000);
	int fd = host_route_open();

	assert_true(fd >= 0);
	assert_int_equal(host_route_find(fd, &unknown, sizeof unknown - 1, 0), -EINVAL);
	assert_int_equal(host_route_find(fd, &unknown, sizeof unknown, 1u << 31), -EINVAL);
	assert_memory_equal(&unknown, &as_it_was, sizeof unknown);
	assert_int_equal(host_route_find(fd, &unknown, sizeof unknown, 0),
			 BPF_FIB_LKUP_RET_NO_NEIGH);
	assert_int_equal(host_route_find(fd, &long_one, sizeof long_one, 0),
			 BPF_FIB_LKUP_RET_FRAG_NEEDED);
	assert_int_equal(long_one.mtu_result, 1500);
	close(fd);
}

/* By the packet's length, or by the one that is given; of the interface that is named. */
static void what_fits(void **state)
{
	uint32_t here = if_nametoindex("here"), mtu = 0;
	int fd = host_mtu_open();

	assert_true(fd >= 0);
	assert_int_equal(host_mtu_check(fd, here, 1514, &mtu, 0, 0), BPF_MTU_CHK_RET_SUCCESS);
	assert_int_equal(mtu, 1500);
	mtu = 0;
	assert_int_equal(host_mtu_check(fd, here, 1514, &mtu, 1, 0), BPF_MTU_CHK_RET_FRAG_NEEDED);
	mtu = 0;
	assert_int_equal(host_mtu_check(fd, here, 1600, &mtu, -86, 0), BPF_MTU_CHK_RET_SUCCESS);
	mtu = 1501;
	assert_int_equal(host_mtu_check(fd, here, 60, &mtu, 0, 0), BPF_MTU_CHK_RET_FRAG_NEEDED);
	assert_int_equal(mtu, 1500);
	assert_int_equal(host_mtu_check(fd, here, 60, &mtu, 0, 1), -EINVAL);
	assert_int_equal(host_mtu_check(fd, 9999, 60, &mtu, 0, 0), -ENODEV);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_route_is_found_and_described),
	    cmocka_unit_test(what_else_the_kernel_says),
	    cmocka_unit_test(what_fits),
	};

	if (geteuid() || unshare(CLONE_NEWNET) || system(commands)) {
		printf("skipped: needs root, a network namespace, ip and veth\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
