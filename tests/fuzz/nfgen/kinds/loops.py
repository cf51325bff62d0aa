"""Loops of other shapes: backwards by goto, while, do, one in another, with a bound that is data, over options in the packet."""

from kinds.kind import Kind
from scope import Scope
from tree import Block, Stmt

KEPT = "#pragma clang loop unroll(disable)\n"


class Loops(Kind):
    CHANCE = 0.2

    def inside(self, scope, *reads):
        scope = Scope(scope, in_loop=True)
        scope.depth = max(scope.depth, 3)
        scope.reads += [(name, "u32") for name in reads]
        return scope

    def body(self, scope, *reads):
        inside = self.inside(scope, *reads)
        return Block(self.gen.control_part.assign(inside) + self.gen.statements(inside, self.rnd.choice([0, 1])))

    def backwards(self, scope):
        i, label = self.gen.name("i"), self.gen.name("again")
        body = self.body(scope, i)
        end = Stmt(f"if (++{i} < {self.rnd.choice([2, 3, 6])} && @0)\n\tgoto {label};", exprs=[self.ex.condition(scope, 1)], pinned=True)
        return [Stmt("{", Block([Stmt(f"__u32 {i} = 0;", defines=[i])] + [Stmt(f"{label}:;\n{{", body, "}", defines=[label], whole=True), end]), "}",
                     whole=True)]

    def counted(self, scope):
        """As often as a number of the packet's says, up to a bound."""
        rnd, i, n = self.rnd, self.gen.name("i"), self.gen.name("v")
        head = rnd.choice([f"{KEPT}for (__u32 {i} = 0; {i} < {n}; {i}++) {{", f"__u32 {i} = 0;\n{KEPT}while ({i}++ < {n}) {{",
                           f"{KEPT}for (__u32 {i} = {n}; {i} > 0; {i}--) {{", f"__u32 {i} = 0;\n{KEPT}do {{"])
        end = f"}} while (++{i} < {n});" if head.endswith("do {") else "}"
        return [Stmt("{", Block([Stmt(f"__u32 {n} = @0;", exprs=[self.small(scope, rnd.choice([3, 7]))], defines=[n]),
                                 Stmt(head, self.body(scope, i), end, inner=[i], whole=True)]), "}", whole=True)]

    def nested(self, scope):
        rnd, i, k, target = self.rnd, self.gen.name("i"), self.gen.name("i"), self.target(scope)
        leave = rnd.choice(["", f"\t\tif ({target} & 64)\n\t\t\tbreak;\n", f"\t\tif ({i} == {k})\n\t\t\tcontinue;\n"])
        return [Stmt(f"{KEPT}for (__u32 {i} = 0; {i} < {rnd.choice([2, 3])}; {i}++) {{\n{KEPT}\tfor (__u32 {k} = {i}; {k} < 4; {k}++) {{\n"
                     f"{leave}\t\t{target} = {target} * 5 + {k} + @0;\n\t}}\n}}", exprs=[self.ex.leaf(scope, "u32")], inner=[i, k])]

    def walk(self, scope):
        """Type, length, value: each says where the next begins."""
        rnd, i, at, p = self.rnd, *(self.gen.name(x) for x in "itp")
        target = self.target(scope)
        what = rnd.choice([f"{target} += {p}[1];", f"{target} = {target} * 31 + {p}[0];", f"{p}[1] ^= 1;"])
        kept = rnd.choice(["", KEPT])
        return [Stmt(f"{{\n\t__u32 {at} = @0;\n{kept}\tfor (int {i} = 0; {i} < 4; {i}++) {{\n\t\t__u8 *{p} = data + {at};\n"
                     f"\t\tif ((void *)({p} + 2) > data_end || {p}[0] == 1)\n\t\t\tbreak;\n\t\t{what}\n"
                     f"\t\t{at} += 2 + ({p}[1] & {rnd.choice([3, 15])});\n\t}}\n\t{target} ^= {at};\n}}",
                     exprs=[self.small(scope, 31)], inner=[i, at, p])]

    def choices(self, scope):
        weight = self.gen.weight * (scope.depth < 4 and not scope.in_loop)
        return [(weight, self.backwards), (weight, self.counted), (weight // 2, self.nested), (weight, self.walk)]
