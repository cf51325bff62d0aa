"""Control flow and plain computation: branches, switches, loops, buffers, globals, functions, clocks, redirects."""

from tree import Block, Expr, Stmt
from maps import rnd_target, scope_below
from scope import Scope

UNROLL = ["", "#pragma clang loop unroll(disable)\n", "#pragma clang loop unroll(disable)\n", "#pragma unroll\n"]
READINGS = ["bpf_get_prandom_u32()", "bpf_ktime_get_ns()", "bpf_xdp_get_buff_len(ctx)", "ctx->ingress_ifindex",
            "ctx->rx_queue_index", "DATA_END(ctx) - DATA(ctx)", "bpf_get_smp_processor_id()", "bpf_jiffies64()"]
TC_READINGS = [each for each in READINGS if each not in ("bpf_xdp_get_buff_len(ctx)", "ctx->rx_queue_index")]


class ControlStatements:
    """gen: the Generator."""

    def __init__(self, gen):
        self.gen, self.rnd, self.ex = gen, gen.rnd, gen.ex
        self.loops = 0

    def assign(self, scope):
        rnd = self.rnd
        if rnd.random() < 0.5:
            name, kind = rnd.choice(scope.vars)
            return [Stmt(f"{name} = @0;", exprs=[self.ex.any(scope, "u64" if kind.endswith("64") else "u32")])]
        target = rnd_target(rnd, scope)
        return [Stmt(f"{target} {rnd.choice(['+=', '^=', '-=', '|='])} @0;",
                     exprs=[self.ex.any(scope, rnd.choice(["u32", "u64"]))])]

    def branch(self, scope):
        yes = self.gen.block(scope, self.rnd.randint(1, 3))
        no = self.gen.block(scope, self.rnd.randint(1, 2)) if self.rnd.random() < 0.5 else Block()
        return [Stmt("if (@0) {", yes, "} else {", no, "}", exprs=[self.ex.condition(scope)])]

    def leave(self, scope):
        return Stmt("return @0;", exprs=[self.gen.verdict(scope)])

    def leave_if(self, scope):
        return [Stmt("if (@0)\n\treturn @1;", exprs=[self.ex.condition(scope), self.gen.verdict(scope)])]

    def switch(self, scope):
        rnd, parts = self.rnd, []
        mask = rnd.choice([3, 7, 15])
        for case in rnd.sample(range(mask + 1), rnd.randint(2, 4)):
            parts += [f"case {case}: {{", self.gen.block(scope, rnd.randint(1, 2)),
                      "}" if rnd.random() < 0.2 else "} break;"]
        parts += ["default: {", self.gen.block(scope, 1), "}"]
        return [Stmt(f"switch (@0 & {mask}) {{", *parts, "}", exprs=[self.ex.leaf(scope, "u32")], whole=True)]

    def loop(self, scope):
        """At most eight rounds: counted, left early, or with a second condition."""
        rnd, i = self.rnd, self.gen.name("i")
        self.loops += 1
        inside = Scope(scope, in_loop=True)
        inside.depth = scope.depth + 1
        inside.reads.append((i, "u32"))
        form, exprs = rnd.choice(["plain", "plain", "break", "and"]), []
        bound = rnd.choice([2, 3, 4, 8])
        head = f"for (__u32 {i} = 0; {i} < {bound}; {i}++) {{"
        if form == "and":
            exprs = [self.ex.condition(scope)]
            head = f"for (__u32 {i} = 0; {i} < {bound} && @0; {i}++) {{"
        body = self.gen.block_in(inside, rnd.randint(1, 2))
        body.stmts.append(Stmt(f"{rnd_target(rnd, scope)} += {i};"))
        if form == "break":
            word = rnd.choice(["break", "break", "continue"])
            body.stmts.insert(rnd.randrange(len(body.stmts)), Stmt(f"if (@0)\n\t{word};", exprs=[self.ex.condition(scope)]))
        return [Stmt(rnd.choice(UNROLL) + head, body, "}", exprs=exprs, inner=[i], whole=True)]

    def payload_loop(self, scope):
        """Over the bytes of the packet, with a bound that the verifier sees."""
        rnd, i, p = self.rnd, self.gen.name("i"), self.gen.name("p")
        target, start = rnd_target(rnd, scope), rnd.choice([0, 14, 34])
        step = rnd.choice([f"{target} = {target} * 31 + *{p};", f"{target} ^= *{p} << ({i} & 7);", f"*{p} ^= {i};",
                           f"if (*{p} == 0)\n\t\tbreak;\n\t{target} += *{p};"])
        text = f"for (__u32 {i} = 0; {i} < {rnd.choice([4, 8, 16])}; {i}++) {{\n" \
               f"\t__u8 *{p} = data + {start} + {i};\n\tif ((void *)({p} + 1) > data_end)\n\t\tbreak;\n\t{step}\n}}"
        return [Stmt(rnd.choice(UNROLL) + text, inner=[i, p])]

    def buffer(self, scope):
        """A new array on the stack for what follows, or one use of it."""
        rnd = self.rnd
        if scope.buffers and rnd.random() < 0.7:
            name, count = rnd.choice(scope.buffers)
            index = Expr(str(rnd.randrange(count)), "u32")
            if rnd.random() < 0.6:
                index = Expr(f"({{0}} & {power_below(count) - 1})", "u32", [self.ex.any(scope, "u32", 2)])
            text = rnd.choice([f"{name}[@0] = @1;", f"{name}[@0] ^= @1;", f"{rnd_target(rnd, scope)} += {name}[@0];"])
            return [Stmt(text, exprs=[index, self.ex.any(scope, "u32", 1)])]
        name, count = self.gen.name("b"), rnd.choice([4, 8, 12, 16])
        sources = [p for p in scope.pointers if p.bytes >= 4]
        text = rnd.choice([f"__u8 {name}[{count}] = {{0}};", f"__u8 {name}[{count}] = {{1, 2, 3}};",
                           f"__u8 {name}[{count}];\n__builtin_memset({name}, @0, {count});"])
        if sources and rnd.random() < 0.6:
            source = rnd.choice(sources)
            part = min(count, source.bytes)
            text = f"__u8 {name}[{count}];\n__builtin_memcpy({name}, {source.name}, {part});"
            text += f"\n__builtin_memset({name} + {part}, 0, {count - part});" if part < count else ""
        scope.buffers.append((name, count))
        return [Stmt(text, exprs=[self.ex.any(scope, "u32", 2)], defines=[name])]

    def write_back(self, scope):
        """A buffer copied into the packet."""
        pairs = [(p, b) for p in scope.pointers for b in scope.buffers if p.bytes >= b[1]]
        if not pairs:
            return self.buffer(scope)
        pointer, (name, count) = self.rnd.choice(pairs)
        return [Stmt(f"__builtin_memcpy({pointer.name}, {name}, {count});")]

    def use_global(self, scope):
        name, kind, const = self.rnd.choice(scope.globals)
        wide = "u64" if kind.endswith("64") else "u32"
        target = rnd_target(self.rnd, scope)
        if const:
            return [Stmt(f"{target} += {name};")]
        forms = [f"{name} = @0;", f"{name} ^= @0;", f"{name} += @0;", f"{name}++;"]
        forms += [f"__sync_fetch_and_add(&{name}, ({kind})@0);"] if kind[3:] in ("32", "64") else []
        return [Stmt(self.rnd.choice(forms), exprs=[self.ex.any(scope, wide, 1)])]

    def use_table(self, scope):
        """A table in .rodata by an index that depends on packet or state."""
        name, count = self.rnd.choice(self.gen.tables)
        return [Stmt(f"{rnd_target(self.rnd, scope)} += {name}[@0 & {count - 1}];", exprs=[self.ex.any(scope, "u32", 1)])]

    def call(self, scope):
        name, kind = self.rnd.choice(self.gen.functions)
        target = rnd_target(self.rnd, scope)
        return [Stmt(f"{target} {self.rnd.choice(['=', '+=', '^='])} {name}(ctx, @0, @1);",
                     exprs=[self.ex.any(scope, "u64", 1), self.ex.any(scope, "u32", 1)])]

    def reading(self, scope):
        return [Stmt(f"{rnd_target(self.rnd, scope)} {self.rnd.choice(['=', '^='])} {self.rnd.choice(TC_READINGS if self.gen.tc else READINGS)};")]

    def checksum(self, scope):
        rnd, words, sum_ = self.rnd, self.gen.name("b"), self.gen.name("t")
        exprs = [self.ex.any(scope, "u32", 2) for _ in range(5)]
        seed = rnd.choice(["0", "@4 & 0xffff"])
        return [Stmt(f"__u32 {words}[4] = {{@0, @1, @2, @3}};\n__s64 {sum_} = bpf_csum_diff(0, 0, {words}, 16, {seed});\n"
                     f"{rnd_target(rnd, scope)} ^= fold({sum_});", exprs=exprs, inner=[words, sum_], defines=[words, sum_])]

    def route(self, scope):
        """A look-up in the kernel's routes; which of its answers depends on the host, so only that it was asked counts."""
        name = self.gen.name("r")
        target = rnd_target(self.rnd, scope)
        return [Stmt(f"struct bpf_fib_lookup {name};\n__builtin_memset(&{name}, 0, sizeof {name});\n{name}.family = 2;\n"
                     f"{name}.ifindex = ctx->ingress_ifindex;\n{name}.ipv4_dst = @0;\n{name}.ipv4_src = @1;\n"
                     f"{target} += bpf_fib_lookup(ctx, &{name}, sizeof {name}, 0) != 0;",
                     exprs=[self.ex.any(scope, "u32", 1), self.ex.any(scope, "u32", 1)], defines=[name])]

    def trace(self, scope):
        return [Stmt('bpf_printk("%u", @0);', exprs=[self.ex.leaf(scope, "u32")])]


def power_below(count):
    return 1 << (count.bit_length() - 1)
