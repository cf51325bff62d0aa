"""Functions that are called and not inlined: global ones, static ones with pointers to the stack or into the packet, and
functions that call functions."""

from kinds.kind import Kind
from scope import Scope
from tree import Block, Stmt


class Calls(Kind):
    CHANCE = 0.25

    def declare(self):
        self.made = []
        makers = self.rnd.sample([self.global_one, self.of_struct, self.of_packet, self.chain], self.rnd.randint(1, 3))
        return [make() for make in makers]

    def computed(self, names, reads=()):
        """A scope with numbers only."""
        scope = Scope()
        scope.depth, scope.in_loop, scope.globals = 3, True, self.gen.globals
        scope.vars, scope.reads = list(names), list(reads)
        return scope

    def global_one(self):
        """Verified by itself, for all arguments; the kernel knows nothing of its result."""
        rnd, name, a, b = self.rnd, *(self.gen.name(x) for x in "fvv")
        scope = self.computed([(a, "__u32"), (b, "__u64")])
        body = [Stmt("if (@0)\n\treturn @1;", exprs=[self.ex.condition(scope, 1), self.ex.any(scope, "u32", 1)]),
                Stmt(f"{b} {rnd.choice(['+=', '^='])} @0;", exprs=[self.ex.any(scope, "u64", 1)]),
                Stmt("return @0;", exprs=[self.ex.any(scope, "u32", 1)], pinned=True)]
        self.made.append(lambda s, t: Stmt(f"{t} ^= {name}(ctx, @0, @1);",
                                           exprs=[self.ex.any(s, "u32", 1), self.ex.any(s, "u64", 1)]))
        return Stmt(f"__noinline int {name}({self.gen.context} *ctx, __u32 {a}, __u64 {b})\n{{",
                    Block([Stmt("barrier();" if rnd.random() < 0.5 else f"{b} += ctx->ingress_ifindex;")] + body), "}", " ",
                    defines=[name], inner=[a, b], whole=True)

    def of_struct(self):
        """It gets a struct on its caller's stack, and changes it."""
        rnd, name, kind, p, n = self.rnd, *(self.gen.name(x) for x in ("f", "pair", "p", "v"))
        scope = self.computed([(n, "__u32")], [(f"{p}->a", "u64"), (f"{p}->b", "u32"), (f"{p}->c[{n} & 3]", "u32")])
        body = [Stmt(f"{p}->a {rnd.choice(['+=', '='])} @0;", exprs=[self.ex.any(scope, "u64", 1)]),
                Stmt(f"{p}->c[@0 & 3] = @1;", exprs=[self.ex.any(scope, "u32", 2), self.ex.leaf(scope, "u32")]),
                Stmt("if (@0)", f"\t{p}->b = @1;", exprs=[self.ex.condition(scope, 1), self.ex.any(scope, "u32", 2)]),
                Stmt("return @0;", exprs=[self.ex.any(scope, "u64", 2)], pinned=True)]

        def call(s, t):
            pair = self.gen.name("b")
            return Stmt(f"struct {kind} {pair} = {{.a = @0, .b = @1}};\n{t} ^= {name}(&{pair}, @2);\n"
                        f"{t} += {pair}.a + {pair}.c[{rnd.randrange(4)}];", defines=[pair],
                        exprs=[self.ex.any(s, "u64", 2), self.ex.any(s, "u32", 2), self.ex.leaf(s, "u32")])

        self.made.append(call)
        return Stmt(f"struct {kind} {{\n\t__u64 a;\n\t__u32 b;\n\t__u8 c[4];\n}};\n\n"
                    f"static __noinline __u64 {name}(struct {kind} *{p}, __u32 {n})\n{{", Block(body), "}", " ",
                    defines=[name, kind], inner=[p, n], whole=True)

    def of_packet(self):
        """It gets pointers into the packet, and checks them."""
        rnd, name, p, end = self.rnd, *(self.gen.name(x) for x in "fpp")
        at, bytes_ = rnd.choice([0, 6, 12, 14]), rnd.choice([2, 4, 8])
        what = rnd.choice([f"LOAD8({p}, {at}) += 1;", f"STORE8({p}, {at}, LOAD8({p}, {at + 1}));", f"LOAD16({p}, {at}) ^= 5;"])
        body = [Stmt(f"if ({p} + {at + bytes_} > {end})\n\treturn {rnd.randrange(9)};", pinned=True), Stmt(what),
                Stmt(f"return LOAD{8 * bytes_}({p}, {at});", pinned=True)]
        self.made.append(lambda s, t: Stmt(f"{t} {rnd.choice(['+=', '^='])} {name}(data, data_end);"))
        return Stmt(f"static __noinline __u64 {name}(void *{p}, void *{end})\n{{", Block(body), "}", " ", defines=[name],
                    inner=[p, end], whole=True)

    def chain(self):
        """Two functions, one inside the other, the inner one called twice."""
        inner, outer, a, b = (self.gen.name(x) for x in "ffvv")
        scope, above = self.computed([(a, "__u64")]), self.computed([(b, "__u32")])
        self.made.append(lambda s, t: Stmt(f"{t} += {outer}(@0);", exprs=[self.ex.any(s, "u32", 1)]))
        return Stmt(f"static __noinline __u64 {inner}(__u64 {a})\n{{\n\tif (@0)\n\t\treturn @1;\n\treturn @2;\n}}\n\n"
                    f"static __noinline __u64 {outer}(__u32 {b})\n{{\n\treturn {inner}(@3) ^ {inner}({b} + 1);\n}}", " ",
                    exprs=[self.ex.condition(scope, 1), self.ex.any(scope, "u64", 1), self.ex.any(scope, "u64", 2),
                           self.ex.any(above, "u64", 2)], defines=[inner, outer], inner=[a, b])

    def call(self, scope):
        return [self.rnd.choice(self.made)(scope, self.target(scope))]

    def choices(self, scope):
        return [(self.gen.weight, self.call)]
