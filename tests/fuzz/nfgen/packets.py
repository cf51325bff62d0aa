"""Packets: parsing in several styles, reads and writes behind a check, header changes, resizing.

Parsing defines pointers for what follows in the block: each pointer's statement is its check as well.
"""

from tree import Block, Expr, Stmt
from scope import Pointer
from maps import rnd_target, scope_below


class Header:
    def __init__(self, struct, count, reads, writes, addresses=()):
        self.struct, self.bytes, self.reads, self.writes, self.addresses = struct, count, reads, writes, list(addresses)


ETH = Header("struct ethhdr", 14, ["h_proto", "h_dest[0]", "h_dest[5]", "h_source[0]", "h_source[3]", "h_source[5]"],
             ["h_dest[5]", "h_source[0]", "h_source[5]"])
VLAN = Header("struct vlan_tag", 4, ["tci", "proto"], ["tci"])
IP4 = Header("struct iphdr", 20, ["saddr", "daddr", "ttl", "tos", "id", "protocol", "tot_len", "frag_off", "ihl", "check"],
             ["ttl", "tos", "id", "saddr", "daddr", "check"], ["saddr", "daddr"])
IP6 = Header("struct ipv6hdr", 40, ["saddr.s6_addr32[3]", "daddr.s6_addr32[3]", "daddr.s6_addr[15]", "hop_limit", "nexthdr",
                                    "payload_len", "priority"], ["hop_limit", "daddr.s6_addr[15]", "saddr.s6_addr32[3]"])
TCP = Header("struct tcphdr", 20, ["source", "dest", "seq", "ack_seq", "syn", "ack", "fin", "doff", "window", "check"],
             ["window", "seq", "dest", "check"])
UDP = Header("struct udphdr", 8, ["source", "dest", "len", "check"], ["check", "dest", "source"])
ICMP = Header("struct icmp_echo", 8, ["type", "code", "checksum", "id", "sequence"], ["checksum", "id", "code"])
PROTOCOLS = {"tcp": (TCP, "IPPROTO_TCP"), "udp": (UDP, "IPPROTO_UDP"), "icmp": (ICMP, "IPPROTO_ICMP")}


class PacketStatements:
    """gen: the Generator. What it parses depends on gen.traffic, so that most packets get through."""

    def __init__(self, gen):
        self.gen, self.rnd, self.ex = gen, gen.rnd, gen.ex

    def checked(self, scope, header, start, more="", by_offset=False):
        """struct X *p = start; if it ends behind the packet's end, or more holds: return."""
        name = self.gen.name("p")
        end = f"(void *){name} + {header.bytes}" if by_offset else f"(void *)({name} + 1)"
        more = more.replace("$", name)
        text = f"{header.struct} *{name} = {start};\nif ({end} > data_end{more})\n\treturn @0;"
        pointer = Pointer(name, header.bytes, header)
        stmt = Stmt(text, exprs=[self.gen.verdict(scope)], defines=[name])
        scope.pointers.append(pointer)
        return stmt, pointer

    def parse(self, scope):
        """The start of nearly every program."""
        style = self.rnd.choice(["pointers", "pointers", "offset", "cursor", "ethernet"])
        if style == "ethernet":
            return [self.checked(scope, ETH, "data")[0]]
        if style == "cursor" and self.gen.traffic.version == 4:
            return self.parse_cursor(scope)
        return self.parse_offset(scope) if style == "offset" else self.parse_pointers(scope)

    def network(self):
        return (IP4, "ETH_P_IP", "version", 4) if self.gen.traffic.version == 4 else (IP6, "ETH_P_IPV6", "version", 6)

    def parse_pointers(self, scope):
        header, ethertype, field, version = self.network()
        eth, at = self.checked(scope, ETH, "data")
        out = [eth]
        if self.rnd.random() < 0.7:
            out.append(Stmt(f"if ({at.name}->h_proto != bpf_htons({ethertype}))\n\treturn @0;",
                            exprs=[self.gen.verdict(scope)]))
        more = f" || $->{field} != {version}" if self.rnd.random() < 0.5 else ""
        ip, at = self.checked(scope, header, f"(void *)({at.name} + 1)", more)
        return out + [ip] + self.parse_transport(scope, at)

    def parse_transport(self, scope, ip):
        if self.rnd.random() < 0.2:
            return []
        header, number = PROTOCOLS[self.gen.traffic.protocol]
        is_ip4, out, name = ip.header is IP4, [], self.gen.name("t")
        field = "protocol" if is_ip4 else "nexthdr"
        if self.rnd.random() < 0.7:
            out.append(Stmt(f"if ({ip.name}->{field} != {number})\n\treturn @0;", exprs=[self.gen.verdict(scope)]))
        if not is_ip4 or self.rnd.random() < 0.3:
            return out + [self.checked(scope, header, f"(void *)({ip.name} + 1)")[0]]
        out.append(Stmt(f"__u32 {name} = {ip.name}->ihl * 4;\nif ({name} < 20)\n\treturn @0;",
                        exprs=[self.gen.verdict(scope)], defines=[name]))
        scope.reads.append((name, "u32"))
        return out + [self.checked(scope, header, f"(void *){ip.name} + {name}")[0]]

    def parse_offset(self, scope):
        """Tags are skipped in a loop; then everything stands at an offset that depends on the packet."""
        header, ethertype, _, _ = self.network()
        eth, at = self.checked(scope, ETH, "data")
        offset, proto, tag, i = (self.gen.name(kind) for kind in "ttpi")
        unroll = self.rnd.choice(["", "#pragma clang loop unroll(disable)\n"])
        loop = Stmt(f"__u32 {offset} = 14;\n__u16 {proto} = {at.name}->h_proto;\n"
                    f"{unroll}for (int {i} = 0; {i} < 2; {i}++) {{\n"
                    f"\tstruct vlan_tag *{tag} = data + {offset};\n"
                    f"\tif ({proto} != bpf_htons(0x8100) && {proto} != bpf_htons(0x88a8))\n\t\tbreak;\n"
                    f"\tif ((void *)({tag} + 1) > data_end)\n\t\treturn @0;\n"
                    f"\t{proto} = {tag}->proto;\n\t{offset} += 4;\n}}",
                    exprs=[self.gen.verdict(scope)], defines=[offset, proto], inner=[tag, i])
        test = Stmt(f"if ({proto} != bpf_htons({ethertype}))\n\treturn @0;", exprs=[self.gen.verdict(scope)])
        scope.reads += [(offset, "u32"), (proto, "u32")]
        ip, at = self.checked(scope, header, f"data + {offset}", by_offset=True)
        return [eth, loop, test, ip] + self.parse_transport(scope, at)

    def parse_cursor(self, scope):
        """The prelude's inlined functions move a cursor on the stack."""
        cursor, proto = self.gen.name("c"), self.gen.name("t")
        eth, ip, l4 = (self.gen.name("p") for _ in range(3))
        header, number = PROTOCOLS[self.gen.traffic.protocol]
        first = Stmt(f"struct cursor {cursor} = {{data, data_end}};\n__u16 {proto} = 0;\n"
                     f"struct ethhdr *{eth} = cursor_ethernet(&{cursor}, &{proto});\nif (!{eth})\n\treturn @0;",
                     exprs=[self.gen.verdict(scope)], defines=[cursor, proto, eth])
        scope.pointers.append(Pointer(eth, 14, ETH))
        second = Stmt(f"if ({proto} != bpf_htons(ETH_P_IP))\n\treturn @0;\n"
                      f"struct iphdr *{ip} = cursor_ip4(&{cursor});\nif (!{ip})\n\treturn @0;",
                      exprs=[self.gen.verdict(scope)], defines=[ip])
        scope.pointers.append(Pointer(ip, 20, IP4))
        third = Stmt(f"{header.struct} *{l4} = cursor_take(&{cursor}, sizeof *{l4});\n"
                     f"if ({ip}->protocol != {number} || !{l4})\n\treturn @0;",
                     exprs=[self.gen.verdict(scope)], defines=[l4])
        scope.pointers.append(Pointer(l4, header.bytes, header))
        return [first, second, third]

    def start(self, scope):
        """Where a packet access begins: a fixed offset, or one that depends on packet or state."""
        rnd = self.rnd
        if rnd.random() < 0.65:
            return Expr(str(rnd.choice([0, 2, 6, 12, 14, 16, 18, 22, 23, 24, 26, 30, 34, 36, 38, 40, 42, 46, 54])), "u32")
        return Expr(f"({{0}} & {rnd.choice([15, 31, 63])})", "u32", [self.ex.any(scope, "u32", 2)])

    def access(self, scope):
        """Bytes behind a check of their own; what else if they are not there."""
        rnd, name = self.rnd, self.gen.name("p")
        count = rnd.choice([1, 2, 4, 8, 8, 16, 20])
        inside = scope_below(scope)
        inside.pointers.append(Pointer(name, count))
        body = Block([self.use(inside) for _ in range(rnd.randint(1, 2))])
        if rnd.random() < 0.3:
            body.stmts += self.gen.statements(inside, 1)
        missing = Block()
        if rnd.random() < 0.4:
            missing = Block([self.gen.leave(scope)]) if rnd.random() < 0.5 else self.gen.block(scope, 1)
        test = rnd.choice([f"if ((void *)({name} + {count}) <= data_end) {{", f"if (data_end >= (void *){name} + {count}) {{"])
        return [Stmt("{", Block([Stmt(f"__u8 *{name} = data + @0;", exprs=[self.start(scope)], defines=[name]),
                                 Stmt(test, body, "} else {", missing, "}")]), "}")]

    def access_flat(self, scope):
        """The same for what follows in this block."""
        name, count = self.gen.name("p"), self.rnd.choice([4, 8, 14, 20, 34])
        stmt = Stmt(f"__u8 *{name} = data + @0;\nif ((void *)({name} + {count}) > data_end)\n\treturn @1;",
                    exprs=[self.start(scope), self.gen.verdict(scope)], defines=[name])
        scope.pointers.append(Pointer(name, count))
        return [stmt]

    def use(self, scope):
        rnd, pointer = self.rnd, self.rnd.choice(scope.pointers)
        if rnd.random() < 0.4:
            return Stmt(f"{rnd_target(rnd, scope)} {rnd.choice(['=', '^=', '+='])} {self.ex.packet_read(pointer)};")
        if pointer.header and rnd.random() < 0.7:
            return Stmt(f"{pointer.name}->{rnd.choice(pointer.header.writes)} {rnd.choice(['=', '=', '^='])} @0;",
                        exprs=[self.ex.any(scope, "u32", 1)])
        size = rnd.choice([s for s in (1, 1, 2, 4, 8) if s <= pointer.bytes])
        kind = "u64" if size == 8 else "u32"
        return Stmt(f"STORE{size * 8}({pointer.name}, {rnd.randrange(pointer.bytes - size + 1)}, @0);",
                    exprs=[self.ex.any(scope, kind, 1)])

    def rewrite(self, scope):
        """Usual header changes: TTL with its checksum, swapped addresses, a checksum from csum_diff."""
        rnd = self.rnd
        ip4 = [p.name for p in scope.pointers if p.header is IP4]
        eth = [p.name for p in scope.pointers if p.header is ETH]
        if ip4 and rnd.random() < 0.7:
            return [Stmt(rnd.choice(["ip4_decrease_ttl({0});", "ip4_swap({0});", "ip4_replace(&{0}->daddr, {0}, @0);",
                                     "{0}->check = 0;\n{0}->check = ip4_checksum({0});"]).format(rnd.choice(ip4)),
                         exprs=[self.ex.any(scope, "u32", 1)])]
        if eth:
            return [Stmt(f"ethernet_swap({rnd.choice(eth)});")]
        return self.access(scope)

    def resized(self, scope, call, count, fill):
        """A resize that may fail, the packet's bounds read again, and a check for count bytes at its start."""
        name = self.gen.name("p")
        scope.drop_pointers()
        text = (f"if ({call})\n\treturn @0;\ndata = DATA(ctx);\ndata_end = DATA_END(ctx);\n"
                f"__u8 *{name} = data;\nif ((void *)({name} + {count}) > data_end)\n\treturn @1;" + fill.replace("$", name))
        stmt = Stmt(text, exprs=[self.gen.verdict(scope), self.gen.verdict(scope), self.ex.any(scope, "u32", 1)],
                    defines=[name])
        scope.pointers.append(Pointer(name, count))
        return [stmt]

    def resize(self, scope):
        rnd = self.rnd
        form = rnd.choice(["grow", "shrink", "tail", "push", "pop", "encapsulate", "tail_maybe"])
        if form == "grow":
            count = rnd.choice([4, 8, 14, 20, 40])
            return self.resized(scope, f"bpf_xdp_adjust_head(ctx, -{count})", count,
                                f"\n__builtin_memset($, @2, {count});")
        if form == "shrink":
            return self.resized(scope, f"bpf_xdp_adjust_head(ctx, {rnd.choice([2, 4, 8, 14])})", 14, "")
        if form == "tail":
            return self.resized(scope, f"bpf_xdp_adjust_tail(ctx, {rnd.choice([-8, -4, -2, 4, 16])})", 14, "")
        if form == "push":
            fill = ("\n__builtin_memmove($, $ + 4, 12);\nSTORE16($, 12, bpf_htons(0x8100));\n"
                    "STORE16($, 14, @2);")
            return self.resized(scope, "bpf_xdp_adjust_head(ctx, -4)", 18, fill)
        if form == "pop":
            return self.pop(scope)
        if form == "encapsulate":
            fill = ("\n__builtin_memmove($, $ + 20, 14);\nSTORE16($, 12, bpf_htons(ETH_P_IP));\n"
                    "ip4_fill((struct iphdr *)($ + 14), data_end - data - 14, @2);")
            return self.resized(scope, "bpf_xdp_adjust_head(ctx, -20)", 34, fill)
        scope.drop_pointers()
        target = rnd_target(rnd, scope)
        return [Stmt(f"{target} += bpf_xdp_adjust_tail(ctx, {rnd.choice([-20, -4, 4, 8])}) != 0;\n"
                     "data = DATA(ctx);\ndata_end = DATA_END(ctx);")]

    def pop(self, scope):
        """Takes four bytes out behind the addresses, if the packet is long enough."""
        before = self.gen.name("p")
        scope.drop_pointers()
        return [Stmt(f"__u8 *{before} = data;\nif ((void *)({before} + 18) > data_end)\n\treturn @0;\n"
                     f"__builtin_memmove({before} + 4, {before}, 12);\nif (bpf_xdp_adjust_head(ctx, 4))\n\treturn @1;\n"
                     "data = DATA(ctx);\ndata_end = DATA_END(ctx);",
                     exprs=[self.gen.verdict(scope), self.gen.verdict(scope)], inner=[before])]

    def copy_helpers(self, scope):
        """xdp_load_bytes and xdp_store_bytes with a buffer of their own."""
        rnd, name, count = self.rnd, self.gen.name("b"), self.rnd.choice([4, 6, 8, 16])
        inside = scope_below(scope)
        inside.buffers.append((name, count))
        call = f"bpf_xdp_load_bytes(ctx, @0, {name}, {count})"
        body = [Stmt(f"if ({call} == 0)\n\t{rnd_target(rnd, scope)} += {name}[{rnd.randrange(count)}];",
                     exprs=[self.start(scope)])]
        if rnd.random() < 0.5:
            body.append(Stmt(f"{name}[{rnd.randrange(count)}] = @0;", exprs=[self.ex.any(inside, "u32", 1)]))
            body.append(Stmt(f"{rnd_target(rnd, scope)} ^= bpf_xdp_store_bytes(ctx, @0, {name}, {count}) == 0;",
                             exprs=[self.start(scope)]))
        scope.drop_pointers()
        inside.drop_pointers()
        reload = Stmt("data = DATA(ctx);\ndata_end = DATA_END(ctx);")
        return [Stmt("{", Block([Stmt(f"__u8 {name}[{count}] = {{0}};", defines=[name])] + body + [reload]), "}", whole=True)]

    def metadata(self, scope):
        """A program with metadata of its own: written, and read again."""
        rnd, name = self.rnd, self.gen.name("d")
        scope.drop_pointers()
        target = rnd_target(rnd, scope)
        return [Stmt(f"if (bpf_xdp_adjust_meta(ctx, -4))\n\treturn @0;\n__u32 *{name} = (void *)(long)ctx->data_meta;\n"
                     "data = DATA(ctx);\ndata_end = DATA_END(ctx);\n"
                     f"if ((void *)({name} + 1) > data)\n\treturn @0;\n*{name} = @1;\n{target} ^= *{name} >> 3;",
                     exprs=[self.gen.verdict(scope), self.ex.any(scope, "u32", 1)], inner=[name])]
