"""Random expressions, defined for all operands: 32 and 64 bits, every sub-expression cast to one of the two, shifts by
less than the width, divisors never 0, signed division only by small positive numbers (so never INT64_MIN / -1)."""

from tree import Expr

CONSTANTS = {
    "u32": ["0", "1", "2", "3", "7", "17", "64", "100", "255", "256", "0x800", "65535", "0x7fffffff", "0x80000000",
            "0xffffffff", "0x12345678"],
    "u64": ["0", "1", "2", "5", "63", "64", "255", "1000", "0x86dd", "65536", "0xffffffff", "0x100000000",
            "0x7fffffffffffffff", "0x8000000000000000", "0xffffffffffffffff", "0x0123456789abcdef"],
}
SUFFIX = {"u32": "u", "u64": "ull"}
CAST = {"u32": "__u32", "u64": "__u64"}
SIGNED = {"u32": "__s32", "u64": "__s64"}
BITS = {"u32": 31, "u64": 63}


class Expressions:
    """rnd: the program's random numbers."""

    def __init__(self, rnd):
        self.rnd = rnd

    def constant(self, kind):
        return Expr(self.rnd.choice(CONSTANTS[kind]) + SUFFIX[kind], kind)

    def leaf(self, scope, kind):
        rnd, draw = self.rnd, self.rnd.random()
        cast = CAST[kind]
        if draw < 0.16:
            return self.constant(kind)
        if draw < 0.36 and scope.pointers:
            text = self.packet_read(rnd.choice(scope.pointers))
        elif draw < 0.46 and any(v.checked for v in scope.values):
            value = rnd.choice([v for v in scope.values if v.checked])
            text = f"{value.name}->{rnd.choice(value.map.fields)[0]}"
        elif draw < 0.52 and scope.globals:
            text = rnd.choice(scope.globals)[0]
        elif draw < 0.57 and scope.buffers:
            name, count = rnd.choice(scope.buffers)
            text = f"{name}[{rnd.randrange(count)}]"
        elif draw < 0.63 and scope.reads:
            text = rnd.choice(scope.reads)[0]
        else:
            text = rnd.choice(scope.vars)[0]
        return Expr(f"({cast}){text}", kind)

    def packet_read(self, pointer):
        if pointer.header and self.rnd.random() < 0.7:
            return f"{pointer.name}->{self.rnd.choice(pointer.header.reads)}"
        size = self.rnd.choice([s for s in (1, 1, 2, 4, 8) if s <= pointer.bytes])
        return f"LOAD{size * 8}({pointer.name}, {self.rnd.randrange(pointer.bytes - size + 1)})"

    def masked(self, scope, kind, mask):
        return Expr(f"({{0}} & {mask})", kind, [self.any(scope, kind, 2)])

    def any(self, scope, kind, depth=0):
        rnd = self.rnd
        if depth >= 3 or rnd.random() < 0.35:
            return self.leaf(scope, kind)
        form = rnd.choice([self.binary, self.binary, self.binary, self.shift, self.division, self.choice, self.unary,
                           self.narrow, self.other_width, self.signed_division])
        return form(scope, kind, depth + 1)

    def binary(self, scope, kind, depth):
        op = self.rnd.choice("++--*^|&")
        return Expr("({0} " + op + " {1})", kind, [self.any(scope, kind, depth), self.any(scope, kind, depth)])

    def shift(self, scope, kind, depth):
        left, right = self.any(scope, kind, depth), self.any(scope, kind, depth)
        form = self.rnd.choice([f"({{0}} << ({{1}} & {BITS[kind]}))", f"({{0}} >> ({{1}} & {BITS[kind]}))",
                                f"({CAST[kind]})(({SIGNED[kind]}){{0}} >> ({{1}} & {BITS[kind]}))"])
        return Expr(form, kind, [left, right])

    def division(self, scope, kind, depth):
        op, left = self.rnd.choice("/%"), self.any(scope, kind, depth)
        if self.rnd.random() < 0.5:
            return Expr(f"({{0}} {op} {self.rnd.choice([2, 3, 7, 10, 16, 1000])}u)", kind, [left])
        return Expr("({0} " + op + " ({1} | 1))", kind, [left, self.any(scope, kind, depth)])

    def signed_division(self, scope, kind, depth):
        # The instruction set that the sources are compiled for has none: the prelude divides absolute values.
        name, left = self.rnd.choice(["divide", "remainder"]), self.any(scope, kind, depth)
        if self.rnd.random() < 0.5:
            return Expr(f"({CAST[kind]})signed_{name}(({SIGNED[kind]}){{0}}, {self.rnd.choice([2, 4, 7, 64])})", kind, [left])
        return Expr(f"({CAST[kind]})signed_{name}(({SIGNED[kind]}){{0}}, ({{1}} & 1023) + 1)", kind,
                    [left, self.any(scope, "u32", depth)])

    def unary(self, scope, kind, depth):
        swap = "__builtin_bswap32({0})" if kind == "u32" else "__builtin_bswap64({0})"
        form = self.rnd.choice(["(~{0})", "(-{0})", swap, f"({CAST[kind]})bpf_htons((__u16){{0}})", f"({CAST[kind]})!{{0}}",
                                f"({CAST[kind]})bpf_ntohl((__u32){{0}})"])
        return Expr(form, kind, [self.any(scope, kind, depth)])

    def narrow(self, scope, kind, depth):
        to = self.rnd.choice(["__u8", "__u16", "__s8", "__s16", "__s32"])
        return Expr(f"({CAST[kind]})({to}){{0}}", kind, [self.any(scope, kind, depth)])

    def other_width(self, scope, kind, depth):
        other = "u64" if kind == "u32" else "u32"
        return Expr(f"({CAST[kind]}){{0}}", kind, [self.any(scope, other, depth)])

    def choice(self, scope, kind, depth):
        return Expr("({0} ? {1} : {2})", kind, [self.condition(scope, depth), self.any(scope, kind, depth),
                                               self.any(scope, kind, depth)])

    def condition(self, scope, depth=0):
        """Often true for some packets and false for others."""
        rnd, draw = self.rnd, self.rnd.random()
        if draw < 0.35:
            return Expr(f"({rnd.choice(scope.vars)[0]} & {rnd.choice([1, 2, 3, 4, 8, 16])})", "u32")
        if draw < 0.5 and scope.pointers:
            return Expr(f"({self.packet_read(rnd.choice(scope.pointers))} & {rnd.choice([1, 2, 3, 4])})", "u32")
        kind = rnd.choice(["u32", "u64"])
        op = rnd.choice(["<", ">", "==", "!=", "<=", ">="])
        if draw < 0.65:
            return Expr(f"((__s32){{0}} {op} {rnd.choice([-1, 0, 1, 64, 1000])})", "u32", [self.any(scope, "u32", depth + 2)])
        if draw < 0.75:
            joint = rnd.choice(["&&", "||"])
            return Expr("({0} " + joint + " {1})", "u32", [self.condition(scope, depth + 2), self.condition(scope, depth + 2)])
        return Expr("({0} " + op + " {1})", "u32", [self.any(scope, kind, depth + 2), self.any(scope, kind, depth + 2)])
