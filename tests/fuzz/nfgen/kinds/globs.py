"""Global variables that are arrays and structs: written (.data, .bss), static or not, and tables of structs in .rodata."""

from kinds.kind import Kind
from tree import Stmt


class Globals(Kind):
    CHANCE = 0.15

    def declare(self):
        rnd, gen, out = self.rnd, self.gen, []
        self.arrays = []
        for _ in range(rnd.randint(1, 2)):
            name, count, kind = gen.name("g"), rnd.choice([2, 4, 16]), rnd.choice(["__u8", "__u16", "__u32", "__u64"])
            first = "" if rnd.random() < 0.5 else f" = {{{', '.join(str(rnd.randrange(200)) for _ in range(count))}}}"
            self.arrays.append((name, count, kind))
            out.append(Stmt(f"{rnd.choice(['', 'static ', 'volatile '])}{kind} {name}[{count}]{first};", " ", defines=[name]))
        self.struct, self.type = gen.name("g"), gen.name("pair")
        self.table = gen.name("g")
        rows = ", ".join(f"{{{rnd.randrange(999)}, {rnd.randrange(99)}, {rnd.randrange(9)}}}" for _ in range(8))
        out.append(Stmt(f"struct {self.type} {{\n\t__u64 a;\n\t__u32 b;\n\t__u8 c;\n}};\n\n"
                        f"{rnd.choice(['', 'static '])}struct {self.type} {self.struct}{rnd.choice(['', ' = {.a = 5, .c = 2}'])};", " ",
                        defines=[self.type, self.struct]))
        out.append(Stmt(f"static const struct {self.type} {self.table}[8] = {{{rows}}};", " ", defines=[self.table]))
        return out

    def element(self, scope):
        rnd, (name, count, kind) = self.rnd, self.rnd.choice(self.arrays)
        wide = "u64" if kind == "__u64" else "u32"
        place = f"{name}[@0 & {count - 1}]" if rnd.random() < 0.7 else f"{name}[{rnd.randrange(count)}]"
        forms = [f"{place} = @1;", f"{place} += @1;", f"{self.target(scope)} ^= {place};", f"{place}++;"]
        forms += [f"__sync_fetch_and_add(&{place}, ({kind})@1);"] if kind in ("__u32", "__u64") else []
        return [Stmt(rnd.choice(forms), exprs=[self.ex.any(scope, "u32", 2), self.ex.any(scope, wide, 1)])]

    def member(self, scope):
        rnd = self.rnd
        field, wide = rnd.choice([("a", "u64"), ("b", "u32"), ("c", "u32")])
        forms = [f"{self.struct}.{field} = @0;", f"{self.struct}.{field} ^= @0;", f"{self.target(scope)} += {self.struct}.{field};",
                 f"{self.struct}.a = {self.struct}.a * 3 + {self.struct}.b;"]
        return [Stmt(rnd.choice(forms), exprs=[self.ex.any(scope, wide, 1)])]

    def row(self, scope):
        field = self.rnd.choice("abc")
        return [Stmt(f"{self.target(scope)} += {self.table}[@0 & 7].{field};", exprs=[self.ex.any(scope, "u32", 2)])]

    def choices(self, scope):
        return [(self.gen.weight, self.element), (self.gen.weight // 2, self.member), (self.gen.weight // 3, self.row)]
