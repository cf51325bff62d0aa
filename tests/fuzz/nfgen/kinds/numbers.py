"""Arithmetic of 8, 16 and 32 bits, signed and not, rotations, comparisons of signed numbers, extremes, sums that saturate."""

from kinds.kind import Kind
from tree import Stmt

FORMS = [  # none of them overflows a signed type
    ("(__u32)((__s16)@0 * (__s8)@1)", "u32"), ("(__u64)((__s64)(__s32)@0 * (__s32)@1)", "u32"),
    ("(__u8)((__u8)@0 + (__u8)@1)", "u32"), ("(__u32)((__s8)@0 - (__s16)@1)", "u32"), ("(__u16)(@0 >> (@1 & 15))", "u32"),
    ("(@0 << (@1 & 31) | @0 >> (-@1 & 31))", "u32"), ("(@0 << (@1 & 63) | @0 >> (-@1 & 63))", "u64"),
    ("((__s32)@0 < (__s32)@1 ? @0 : @1)", "u32"), ("((__s64)@0 > (__s64)@1 ? @0 : @1)", "u64"),
    ("((__s8)@0 < (__s8)@1)", "u32"), ("((__s16)@0 >= (__s32)@1)", "u32"), ("(__u32)((__s32)(@0 & 0xffff) - (__s32)(@1 & 0xff))", "u32"),
    ("(@0 + @1 < @0 ? -1ull : @0 + @1)", "u64"), ("(__u32)__builtin_popcount(@0 ^ @1)", "u32"), ("(__u32)__builtin_popcountll(@0 | @1)", "u64"),
    ("__builtin_bswap16((__u16)(@0 + @1))", "u32"), ("((@0 ^ @1) >> ((@0 & 7) + 1) & 0x55555555)", "u32"),
    ("(@0 / ((@1 & 0xff) + 1) * (@1 & 0xff))", "u32"), ("(@0 % ((@1 & 0xffff) | 1))", "u64"),
    ("(__u64)((__s64)@0 >> ((@1 & 31) + 32))", "u64"), ("(__u32)((__s32)@0 >> (@1 & 31))", "u32"),
    ("(__u32)(__s8)(@0 >> (@1 & 24))", "u32"), ("((__u64)@0 * @1 >> 32)", "u32"), ("(__u16)((__u16)@0 * 3u + (@1 & 1))", "u32"),
]


class Numbers(Kind):
    CHANCE = 0.3

    def compute(self, scope):
        rnd = self.rnd
        form, wide = rnd.choice(FORMS)
        return [Stmt(f"{self.target(scope)} {rnd.choice(['=', '+=', '^='])} {form};",
                     exprs=[self.ex.any(scope, wide, 2), self.ex.any(scope, wide, 2)])]

    def local(self, scope):
        """A small signed number of its own, counted in both directions."""
        rnd, name = self.rnd, self.gen.name("v")
        kind = rnd.choice(["__s8", "__s16", "__s32"])
        return [Stmt(f"{kind} {name} = @0;\nif ({name} < {rnd.choice([-5, 0, 3])})\n\t{name} = {rnd.choice([-1, 1, 100])};\n"
                     f"{self.target(scope)} += (__u64)({name} & 1) + (__u64){name};",
                     exprs=[self.ex.any(scope, "u32", 1)], defines=[name])]

    def atomic(self, scope):
        """Atomics on the stack."""
        rnd, name = self.rnd, self.gen.name("b")
        wide = rnd.choice(["u32", "u64"])
        call = rnd.choice(["__sync_fetch_and_add(&$[0], @1)", "__sync_fetch_and_xor(&$[0], @1)", "__sync_lock_test_and_set(&$[0], @1)",
                           "__sync_val_compare_and_swap(&$[0], @0, @1)"]).replace("$", name)
        return [Stmt(f"__{wide} {name}[1] = {{@0}};\n{self.target(scope)} += {call};\n{self.target(scope)} ^= {name}[0];",
                     exprs=[self.ex.any(scope, wide, 2), self.ex.any(scope, wide, 2)], defines=[name])]

    def choices(self, scope):
        return [(self.gen.weight, self.compute), (self.gen.weight // 2, self.local), (self.gen.weight // 4, self.atomic)]
