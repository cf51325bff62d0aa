"""Queues, stacks and Bloom filters; text helpers; callbacks of bpf_loop; programs that are entered by tail calls."""

from maps import rnd_target, scope_below
from scope import Scope
from tree import Block, Expr, Stmt

KINDS = {"QUEUE": "__u64", "STACK": "__u32", "BLOOM_FILTER": "__u32"}


class Sequence:
    """A map without keys: a queue or a stack of numbers, or a Bloom filter of them."""

    def __init__(self, number, kind, rnd):
        self.name, self.kind, self.value = f"m_{number}", kind, KINDS[kind]
        self.entries = rnd.choice([1, 2, 8, 64])

    def declaration(self):
        return Stmt(f"struct {{\n\t__uint(type, BPF_MAP_TYPE_{self.kind});\n\t__uint(max_entries, {self.entries});\n"
                    f"\t__type(value, {self.value});\n}} {self.name} SEC(\".maps\");", " ", defines=[self.name])


class ExtraStatements:
    """gen: the Generator."""

    def __init__(self, gen):
        self.gen, self.rnd, self.ex = gen, gen.rnd, gen.ex
        self.sequences, self.callbacks, self.programs = [], [], []

    def declare(self):
        rnd, out = self.rnd, []
        for kind in KINDS:
            if rnd.random() < 0.12:
                self.gen.count += 1
                self.sequences.append(Sequence(self.gen.count, kind, rnd))
                out.append(self.sequences[-1].declaration())
        for _ in range(rnd.choice([0, 0, 0, 1, 2])):
            out.append(self.callback())
        return out

    def callback(self):
        """It sees the number of the round and a struct on its caller's stack, and ends the loop at times."""
        rnd, gen = self.rnd, self.gen
        name, kind, sum_, word = gen.name("h"), gen.name("state"), gen.name("v"), gen.name("v")
        inside = Scope()
        inside.globals, inside.vars, inside.reads = gen.globals, [(sum_, "__u64"), (word, "__u32")], [("index", "u32")]
        body = [Stmt(f"__u64 {sum_} = state->sum;\n__u32 {word} = state->word;", defines=[sum_, word], pinned=True),
                Stmt(f"{sum_} ^= @0;", exprs=[self.ex.any(inside, "u64", 1)])]
        if rnd.random() < 0.5:
            body.append(Stmt("if (@0)\n\treturn 1;", exprs=[self.ex.condition(inside, 1)]))
        if rnd.random() < 0.6:
            body.append(Stmt(f"{word} += @0;", exprs=[self.ex.any(inside, "u32", 1)]))
        body.append(Stmt(f"state->sum = {sum_};\nstate->word = {word};\nreturn 0;", pinned=True))
        self.callbacks.append((name, kind))
        return Stmt(f"struct {kind} {{\n\t__u64 sum;\n\t__u32 word;\n}};\n\n"
                    f"static long {name}(__u32 index, struct {kind} *state)\n{{", Block(body), "}", " ",
                    defines=[name, kind], whole=True)

    def loop(self, scope):
        rnd, state = self.rnd, self.gen.name("l")
        name, kind = rnd.choice(self.callbacks)
        rounds = Expr(str(rnd.choice([0, 1, 3, 9])), "u32")
        if rnd.random() < 0.5:
            rounds = Expr("({0} & 7)", "u32", [self.ex.any(scope, "u32", 2)])
        a, b, c = (rnd_target(rnd, scope) for _ in range(3))
        return [Stmt(f"struct {kind} {state} = {{.sum = @1, .word = @2}};\n{a} ^= bpf_loop(@0, {name}, &{state}, 0);\n"
                     f"{b} += {state}.sum;\n{c} ^= {state}.word;", defines=[state],
                     exprs=[rounds, self.ex.any(scope, "u64", 2), self.ex.any(scope, "u32", 2)])]

    def sequence(self, scope):
        """Elements go in, come out, or are looked at; what a look-up misses is 0, since the kernel may leave anything."""
        rnd, of_map, name = self.rnd, self.rnd.choice(self.sequences), self.gen.name("n")
        wide = "u64" if of_map.value == "__u64" else "u32"
        inside, target = scope_below(scope), rnd_target(self.rnd, scope)
        bloom = of_map.kind == "BLOOM_FILTER"
        small = Expr(f"({{0}} & {rnd.choice([7, 63])})", wide, [self.ex.any(scope, wide, 2)])
        verb = rnd.choice(["push", "peek"] if bloom else ["push", "push", "pop", "peek"])
        head = Stmt(f"{of_map.value} {name} = @0;", exprs=[small], defines=[name])
        if verb == "push":
            flags = "0" if bloom else rnd.choice(["BPF_ANY", "BPF_EXIST"])
            call = Stmt(f"{target} ^= bpf_map_push_elem(&{of_map.name}, &{name}, {flags}) == 0;")
        elif bloom:
            call = Stmt(f"{target} += bpf_map_peek_elem(&{of_map.name}, &{name}) == 0;")
        else:
            call = Stmt(f"if (bpf_map_{verb}_elem(&{of_map.name}, &{name}) == 0)\n\t{target} += {name};")
        return [Stmt("{", Block([head, call]), "}")]

    def text(self, scope):
        """Numbers written as text and read again, and texts compared."""
        rnd, name, target = self.rnd, self.gen.name("b"), rnd_target(self.rnd, scope)
        form = rnd.choice(["compare", "read"])
        if form == "compare":
            fill = f"__u8 {name}[4] = {{0}};\n{name}[0] = 97 + (@0 & 3);\n{name}[1] = @1 & 1 ? 98 : 0;"
            return [Stmt(fill + f"\n{target} ^= bpf_strncmp((const char *){name}, 4, \"bb\") < 0;",
                         exprs=[self.ex.any(scope, "u32", 2), self.ex.any(scope, "u32", 2)], defines=[name])]
        result = self.gen.name("n")
        fill = f"__u8 {name}[4] = {{0}};\n{name}[0] = 45 + (@0 & 15);\n{name}[1] = 48 + (@1 & 15);"
        return [Stmt(fill + f"\nlong {result} = 0;\n{target} ^= bpf_strtol((const char *){name}, 4, {rnd.choice([0, 8, 10, 16])}, "
                     f"&{result});\n{target} += {result};", defines=[name, result],
                     exprs=[self.ex.any(scope, "u32", 2), self.ex.any(scope, "u32", 2)])]
