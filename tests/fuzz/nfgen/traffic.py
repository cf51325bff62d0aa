"""The packets that a program is checked with: --gen of cleave check. Mostly of the kind that the program parses, from
the addresses that its maps know, and enough short ones to fail each check."""

from maps import ADDRESSES


class Traffic:
    def __init__(self, rnd):
        self.version = rnd.choice([4, 4, 4, 6])
        self.protocol = rnd.choice(["tcp", "udp", "udp"]) if self.version == 6 else rnd.choice(["tcp", "tcp", "udp", "udp", "icmp"])

    def pools(self):
        weights = {"tcp": 8, "udp": 8, "icmp": 5, "arp": 3, "nd": 2, "other": 4, "ipv6": 12 if self.version == 4 else 85,
                   "vlan": 10, "qinq": 3, "gre": 1, "ipip": 1, "ip6ip6": 1, "vxlan": 1, "options": 12, "extensions": 5,
                   "fragments": 4, "jumbo": 1, "truncated": 12, "malformed": 5}
        weights[self.protocol] = 80
        return {"saddr4": [ADDRESSES[0] + "0/28"], "daddr4": [ADDRESSES[1] + "0/28"], "saddr6": ["2001:db8:1::/124"],
                "daddr6": ["2001:db8:2::/124"], "sports": ["1024-1039"], "dports": [53, 80, 443, 4789],
                "ifindexes": [1, 2], "weights": weights}
