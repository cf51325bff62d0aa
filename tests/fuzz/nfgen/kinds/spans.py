"""Bytes by their number: pieces of the packet of variable length and place, metadata, checksums over packet and buffers."""

from kinds.kind import Kind
from tree import Stmt

RELOAD = "data = DATA(ctx);\ndata_end = DATA_END(ctx);"


class Spans(Kind):
    CHANCE = 0.15
    TC = False

    def piece(self, scope):
        """As many bytes as the packet says, into a buffer and back to another place."""
        rnd, name, count = self.rnd, self.gen.name("b"), self.gen.name("v")
        back = rnd.choice([f"{name}[0]++;\n{self.target(scope)} += bpf_xdp_store_bytes(ctx, @2, {name}, {count}) == 0;\n", ""])
        scope.drop_pointers()
        return [Stmt(f"__u8 {name}[16] = {{0}};\n__u32 {count} = @0 + 1;\nif (bpf_xdp_load_bytes(ctx, @1, {name}, {count}) == 0)\n"
                     f"\t{self.target(scope)} ^= {name}[{rnd.randrange(8)}] + {name}[{count} - 1];\n{back}{RELOAD}", defines=[name, count],
                     exprs=[self.small(scope, rnd.choice([7, 15])), self.small(scope, 63), self.small(scope, 31)])]

    def sum(self, scope):
        """csum_diff between bytes of the packet and words of the stack."""
        rnd, p, words, sum_ = self.rnd, *(self.gen.name(x) for x in "pbt")
        count = rnd.choice([4, 8, 12])
        old, new = rnd.choice([(f"{p}, {count}", f"{words}, 8"), (f"0, 0", f"{p}, {count}"), (f"{words}, 8", f"{p}, {count}")])
        return [Stmt(f"__be32 {words}[2] = {{@0, @1}};\n__be32 *{p} = data + {rnd.choice([0, 14, 26])};\nif ((void *){p} + {count} <= data_end) {{\n"
                     f"\t__s64 {sum_} = bpf_csum_diff({old}, {new}, @2 & 0xffff);\n\t{self.target(scope)} += fold({sum_});\n}}",
                     exprs=[self.ex.any(scope, "u32", 2) for _ in range(3)], defines=[p, words], inner=[sum_])]

    def metadata(self, scope):
        return self.gen.packet_part.metadata(scope)

    def length(self, scope):
        return [Stmt(f"{self.target(scope)} += bpf_xdp_get_buff_len(ctx) - (DATA_END(ctx) - DATA(ctx));"
                     if self.rnd.random() < 0.3 else f"if (data_end - data > {self.rnd.choice([60, 64, 100, 400])})\n"
                     f"\t{self.target(scope)} += data_end - data;")]

    def choices(self, scope):
        free = self.gen.weight * (not scope.in_loop)
        return [(free, self.piece), (free, self.sum), (free // 3, self.metadata), (free // 3, self.length)]
