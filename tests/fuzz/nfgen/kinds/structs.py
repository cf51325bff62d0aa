"""Structs on the stack: copied whole, partly set, with bit fields, as unions, in arrays."""

from kinds.kind import Kind
from tree import Block, Stmt


class Structs(Kind):
    CHANCE = 0.2

    def declare(self):
        rnd = self.rnd
        self.type, self.bits, self.both = self.gen.name("pair"), self.gen.name("bits"), self.gen.name("both")
        return [Stmt(f"struct {self.type} {{\n\t__u16 a;\n\t__u64 b;\n\t__u8 c[3];\n\t__u32 d;\n}};", " ", defines=[self.type]),
                Stmt(f"struct {self.bits} {{\n\t__u32 a : {rnd.choice([3, 5, 12])}, b : {rnd.choice([1, 7, 9])}, c : 4;\n"
                     "\t__u16 d : 11;\n};", " ", defines=[self.bits]),
                Stmt(f"union {self.both} {{\n\t__u64 all;\n\t__u32 half[2];\n\t__u8 bytes[8];\n}};", " ", defines=[self.both])]

    def copy(self, scope):
        """One that is set goes into another, which goes on by itself."""
        rnd, a, b = self.rnd, self.gen.name("b"), self.gen.name("b")
        make = rnd.choice([f"struct {self.type} {b} = {a};", f"struct {self.type} {b}[2] = {{0}};\n{b}[@1 & 1] = {a};",
                           f"struct {self.type} {b};\nif (@1 & 1)\n\t{b} = {a};\nelse\n\t{b} = (struct {self.type}){{.d = 7}};"])
        at = f"{b}[1]" if "[2]" in make else b
        return [Stmt("{", Block([
            Stmt(f"struct {self.type} {a} = {{.a = @0, .b = @1, .d = 3}};\n{make}", defines=[a, b],
                 exprs=[self.ex.any(scope, "u32", 2), self.ex.any(scope, "u64", 2)]),
            Stmt(f"{at}.b ^= @0;\n{at}.c[@1 % 3] = 9;", exprs=[self.ex.any(scope, "u64", 2), self.ex.leaf(scope, "u32")]),
            Stmt(f"{self.target(scope)} += {at}.b + {at}.c[1] + {at}.d + {a}.a;")]), "}")]

    def partly(self, scope):
        """An array of which each path sets what it reads, and no more."""
        rnd, name, target = self.rnd, self.gen.name("b"), self.target(scope)
        count = rnd.choice([2, 4, 8])
        some = sorted(rnd.sample(range(count), rnd.randint(1, count // 2)))
        fill = "\n".join(f"\t{name}[{i}] = @1;" for i in some)
        return [Stmt(f"__u64 {name}[{count}];\nif (@0) {{\n{fill}\n\t{target} += {' ^ '.join(f'{name}[{i}]' for i in some)};\n}} else {{\n"
                     f"\t{name}[{count - 1}] = @2;\n\t{target} ^= {name}[{count - 1}];\n}}",
                     exprs=[self.ex.condition(scope, 1), self.ex.any(scope, "u64", 2), self.ex.any(scope, "u64", 2)], defines=[name])]

    def fields(self, scope):
        name = self.gen.name("b")
        return [Stmt(f"struct {self.bits} {name} = {{.a = @0, .c = @1}};\n{name}.b += @1;\n{name}.d = {name}.a + @0;\n"
                     f"{self.target(scope)} ^= {name}.a + {name}.b * 3u + {name}.c + {name}.d;", defines=[name],
                     exprs=[self.ex.any(scope, "u32", 2), self.ex.leaf(scope, "u32")])]

    def parts(self, scope):
        """The same bytes as one number, as two, as eight."""
        name = self.gen.name("b")
        return [Stmt(f"union {self.both} {name} = {{.all = @0}};\n{name}.half[@1 & 1] += 5;\n{name}.bytes[@1 & 7] ^= 1;\n"
                     f"{self.target(scope)} += {name}.all;", defines=[name],
                     exprs=[self.ex.any(scope, "u64", 1), self.ex.any(scope, "u32", 2)])]

    def choices(self, scope):
        weight = self.gen.weight // 2
        return [(weight * (scope.depth < 4), self.copy), (weight, self.partly), (weight, self.fields), (weight, self.parts)]
