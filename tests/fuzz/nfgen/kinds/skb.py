"""What TC programs alone have: fields of their context, and helpers that change the packet with it."""

from kinds.kind import Kind
from tree import Stmt

RELOAD = "data = DATA(ctx);\ndata_end = DATA_END(ctx);"
FIELDS = ["len", "mark", "priority", "protocol", "vlan_present", "vlan_tci", "queue_mapping", "tc_index", "cb[0]", "cb[4]",
          "ingress_ifindex", "ifindex", "pkt_type"]
WRITTEN = ["mark", "mark", "priority", "tc_index", "cb[0]", "cb[4]", "queue_mapping"]
CHANGES = ["bpf_skb_vlan_push(ctx, bpf_htons(0x8100), @0 & 4095)", "bpf_skb_vlan_pop(ctx)", "bpf_skb_change_tail(ctx, 60 + (@0 & 63), 0)",
           "bpf_skb_pull_data(ctx, 34 + (@0 & 31))", "bpf_l3_csum_replace(ctx, 24, @0, @1, 2)", "bpf_l3_csum_replace(ctx, 24, 0, @0, 4)",
           "bpf_l4_csum_replace(ctx, 50, @0, @1, 4)", "bpf_l4_csum_replace(ctx, 40, @0, @1, 2 | BPF_F_MARK_MANGLED_0)"]


class Skb(Kind):
    CHANCE = 0  # a program has it if it is a TC program

    def read(self, scope):
        return [Stmt(f"{self.target(scope)} {self.rnd.choice(['=', '^=', '+='])} ctx->{self.rnd.choice(FIELDS)};")]

    def write(self, scope):
        field = self.rnd.choice(WRITTEN)
        mask = " & 0xff" if field in ("tc_index", "queue_mapping") else ""
        return [Stmt(f"ctx->{field} = @0{mask};", exprs=[self.ex.any(scope, "u32", 1)])]

    def change(self, scope):
        """It may fail; the packet's bounds are read again in any case."""
        scope.drop_pointers()
        return [Stmt(f"{self.target(scope)} += {self.rnd.choice(CHANGES)} == 0;\n{RELOAD}",
                     exprs=[self.ex.any(scope, "u32", 1), self.ex.any(scope, "u32", 2)])]

    def bytes(self, scope):
        """Loaded and stored by number."""
        rnd, name, count = self.rnd, self.gen.name("b"), self.rnd.choice([2, 4, 8])
        scope.drop_pointers()
        back = rnd.choice(["", f"{name}[1] ^= @1;\nbpf_skb_store_bytes(ctx, @2, {name}, {count}, {rnd.choice(['0', 'BPF_F_RECOMPUTE_CSUM'])});\n"])
        return [Stmt(f"__u8 {name}[{count}] = {{0}};\n{self.target(scope)} += bpf_skb_load_bytes(ctx, @0, {name}, {count}) == 0;\n"
                     f"{self.target(scope)} ^= {name}[{count - 1}];\n{back}{RELOAD}", defines=[name],
                     exprs=[self.small(scope, 63), self.ex.leaf(scope, "u32"), self.small(scope, 31)])]

    def choices(self, scope):
        free = not scope.in_loop
        return [(8, self.read), (8, self.write), (self.gen.weight // 2 * free, self.change), (self.gen.weight // 2 * free, self.bytes)]
