"""A whole program from a seed: declarations, functions, the XDP program; and the traffic and maps that go with it.

The same seed gives the same program, whatever was generated before it.
"""

import json
import pathlib
import random

from control import ControlStatements
from expressions import Expressions
from extras import ExtraStatements
from kinds import ALL
from maps import ARRAYS, DEVICES, TYPES, Map, MapStatements, scope_below
from packets import PacketStatements
from scope import Scope
from traffic import Traffic
from tree import Block, Expr, Stmt, is_closed, render

PRELUDE = pathlib.Path(__file__).with_name("prelude.bpf.c")
KINDS = ["__u64", "__u64", "__u32", "__u32", "__u32", "__u16", "__u8", "__s32", "__s64", "bool"]
TC_SHARE = 0.1
TC_VERDICTS = ["TC_ACT_OK", "TC_ACT_OK", "TC_ACT_SHOT", "TC_ACT_PIPE", "TC_ACT_UNSPEC", "TC_ACT_RECLASSIFY"]
VERDICTS = ["XDP_PASS", "XDP_PASS", "XDP_DROP", "XDP_TX", "XDP_TX", "XDP_ABORTED"]


class Program:
    """tree: all of it but the prelude. gen, maps: the JSON of --gen and --map-init. kinds: those it has."""

    def __init__(self, seed, tree, gen, maps, kinds):
        self.seed, self.tree, self.gen, self.maps, self.kinds = seed, tree, gen, maps, kinds

    def source(self, tree=None):
        options = "".join(f" {word}" for word in self.options(tree))
        first = f"// OPTION{options}\n" if options else ""
        return first + PRELUDE.read_text() + "\n" + "\n".join(render(tree or self.tree)) + "\n"

    def options(self, tree=None):
        """Options of cleave without which it is another program."""
        text = "\n".join(render(tree or self.tree))
        return [word for kind in self.kinds for word in kind.options(text)]

    def names(self):
        return [name for name, kind in ALL.items() if any(type(each) is kind for each in self.kinds)]

    def write(self, folder, stem, tree=None):
        """stem.bpf.c, stem.gen.json, stem.maps.json; maps and globals that the tree has lost are left out."""
        tree = tree or self.tree
        text = "\n".join(render(tree))
        maps = {name: what for name, what in self.maps.items() if f"{name} SEC" in text}
        (folder / f"{stem}.bpf.c").write_text(self.source(tree))
        (folder / f"{stem}.gen.json").write_text(json.dumps(self.gen) + "\n")
        (folder / f"{stem}.maps.json").write_text(json.dumps(maps) + "\n")


class Generator:
    def __init__(self, seed, size, wanted=()):
        """wanted: names of kinds that the program has in any case."""
        self.rnd = random.Random(seed)
        self.seed, self.size, self.count, self.budget = seed, size, 0, size
        self.ex = Expressions(self.rnd)
        self.traffic = Traffic(self.rnd)
        self.map_part = MapStatements(self)
        self.packet_part = PacketStatements(self)
        self.control_part = ControlStatements(self)
        self.extra_part = ExtraStatements(self)
        self.globals, self.tables, self.functions = [], [], []
        self.resizes = self.rnd.random() < 0.5
        self.clocks = self.rnd.random() < 0.6
        self.kernel_only = self.rnd.random() < 0.04  # an op that only the kernel has leaves little to cut
        self.leave = self.control_part.leave
        self.tc = self.rnd.random() < TC_SHARE or "skb" in wanted
        self.context = "struct __sk_buff" if self.tc else "struct xdp_md"
        self.resizes &= not self.tc
        self.kernel_only &= not self.tc
        self.weight = 20 if size < 20 else 8  # of the statements of each kind; those that all programs have come to about 100
        self.kinds = [kind(self) for name, kind in ALL.items() if self.rnd.random() < kind.CHANCE or name in wanted]
        self.kinds = [kind for kind in self.kinds if kind.TC or not self.tc]
        self.kinds += [ALL["skb"](self)] if self.tc and "skb" not in wanted else []

    def name(self, letter):
        self.count += 1
        return f"{letter}_{self.count}"

    def verdict(self, scope):
        rnd, draw = self.rnd, self.rnd.random()
        if self.tc and draw < 0.9:
            return Expr(rnd.choice(TC_VERDICTS), "u32")
        if self.tc:
            return Expr(f"bpf_redirect({rnd.choice([1, 2, 3])}, {rnd.choice(['0', 'BPF_F_INGRESS'])})", "u32")
        if draw < 0.7:
            return Expr(rnd.choice(VERDICTS), "u32")
        if draw < 0.8:
            return Expr("({0} & 3) + 1", "u32", [self.ex.leaf(scope, "u32")])
        if draw < 0.88:
            return Expr(f"bpf_redirect({rnd.choice([1, 2, 3])}, 0)", "u32")
        if self.map_part.devices:
            index = Expr("({0} & 15)", "u32", [self.ex.leaf(scope, "u32")])
            return Expr(f"bpf_redirect_map(&{rnd.choice(self.map_part.devices).name}, {{0}}, "
                        f"{rnd.choice(['XDP_PASS', 'XDP_DROP', 'XDP_TX'])})", "u32", [index])
        return Expr(rnd.choice(["7", "XDP_DROP", "(__u32)-1", "XDP_REDIRECT"]) if draw > 0.97 else "XDP_PASS", "u32")

    def statements(self, scope, count):
        out = []
        for _ in range(count):
            self.budget -= 1
            if self.budget > 0:
                out += self.statement(scope)
        return out

    def block(self, scope, count):
        return self.block_in(scope_below(scope), count)

    def block_in(self, inside, count):
        return Block(self.statements(inside, count) or self.control_part.assign(inside))

    def statement(self, scope):
        """One statement of those that are possible here, by weight."""
        rows = [row for row in self.choices(scope) if row[0] > 0]
        make = self.rnd.choices([row[1] for row in rows], [row[0] for row in rows])[0]
        return make(scope)

    def choices(self, scope):
        maps, packet, control, extra = self.map_part, self.packet_part, self.control_part, self.extra_part
        shallow, free = scope.depth < 4, not scope.in_loop
        some, hashes = bool(maps.plain), any(m.kind not in ARRAYS for m in maps.plain)
        unchecked = any(not value.checked for value in scope.values)
        return [
            (10, control.assign), (3, control.leave_if), (12 * shallow, control.branch), (3 * shallow, control.switch),
            (5 * (shallow and free and control.loops < 4), control.loop), (2 * free, control.payload_loop),
            (4, control.buffer), (2 * bool(scope.buffers), control.write_back), (4 * bool(self.globals), control.use_global),
            (2 * bool(self.tables), control.use_table), (4 * bool(self.functions), control.call),
            (3 * self.clocks, control.reading), (2, control.checksum), (3 * self.kernel_only, control.route),
            (12 * (some and shallow), maps.lookup), (6 * some, maps.lookup_flat), (6 * unchecked, maps.late_use),
            (6 * some, maps.update), (3 * hashes, maps.delete),
            (9, packet.access), (4, packet.access_flat), (10 * bool(scope.pointers), lambda s: [packet.use(s)]),
            (4, packet.rewrite), (4 * (self.resizes and free), packet.resize),
            (5 * bool(extra.sequences), extra.sequence), (4 * bool(extra.callbacks), extra.loop), (2, extra.text),
            (3 * (self.resizes and free), packet.copy_helpers), (1 * (self.kernel_only and free), packet.metadata),
        ] + [row for kind in self.kinds for row in kind.choices(scope)]

    def declare(self):
        rnd, out = self.rnd, []
        kinds = [rnd.choice(TYPES) for _ in range(rnd.randint(1, 4))]
        kinds += [rnd.choice(DEVICES)] if not self.tc and rnd.random() < 0.25 else []
        for kind in kinds:
            self.count += 1
            new = Map(self.count, kind, rnd)
            (self.map_part.devices if kind in DEVICES else self.map_part.plain).append(new)
            out.append(new.declaration())
        for _ in range(rnd.randint(0, 3)):
            name, kind = self.name("g"), rnd.choice(["__u64", "__u32", "__u32", "__u16", "__u8"])
            const = rnd.random() < 0.25
            first = rnd.randrange(200) if const or rnd.random() < 0.5 else 0
            self.globals.append((name, kind, const))
            word = "const volatile " if const else rnd.choice(["", "", "volatile ", "static "])
            out.append(Stmt(f"{word}{kind} {name} = {first};", " ", defines=[name]))
        if rnd.random() < 0.35:
            name, count = self.name("s"), rnd.choice([4, 8, 16])
            self.tables.append((name, count))
            values = ", ".join(str(rnd.randrange(256)) for _ in range(count))
            out.append(Stmt(f"static const __u8 {name}[{count}] = {{{values}}};", " ", defines=[name]))
        return out + self.extra_part.declare() + [stmt for kind in self.kinds for stmt in kind.declare()]

    def function(self):
        """Inlined or not, it may read the packet and the maps that the program uses."""
        rnd, name = self.rnd, self.name("f")
        word = rnd.choice(["__noinline", "__always_inline", "__always_inline"])
        a, b, result = self.name("v"), self.name("v"), self.name("v")
        scope = Scope()
        scope.depth, scope.globals, scope.in_loop = 2, self.globals, True
        scope.vars = [(a, "__u64"), (b, "__u32"), (result, "__u64")]
        save, self.verdict = self.verdict, lambda inside: self.ex.leaf(inside, "u64")
        start, self.budget = self.budget, rnd.randint(2, 5)
        body = [Stmt("void *data = DATA(ctx), *data_end = DATA_END(ctx);\n(void)data;\n(void)data_end;", pinned=True),
                Stmt(f"__u64 {result} = 0;", defines=[result], pinned=True)]
        body += self.statements(scope, self.budget)
        self.budget, self.verdict = start, save
        last = Stmt("return @0;", exprs=[self.ex.any(scope, "u64", 1)], pinned=True)
        self.functions.append((name, "__u64"))
        return Stmt(f"static {word} __u64 {name}({self.context} *ctx, __u64 {a}, __u32 {b})\n{{", Block(body + [last]), "}", " ",
                    defines=[name], inner=[a, b], whole=True)

    def observe(self, scope):
        """All variables go into the packet, so that a wrong one shows."""
        name, total = self.name("p"), self.name("total")
        parts = [Stmt(f"{total} ^= (__u64){var} * {2 * i + 3};") for i, (var, _) in enumerate(scope.vars)]
        parts += [Stmt(f"{total} += {buf}[{count - 1}];") for buf, count in scope.buffers]
        return [Stmt(f"__u64 {total} = 0;", defines=[f"{total}"])] + parts + [
            Stmt(f"data = DATA(ctx);\ndata_end = DATA_END(ctx);\n__u8 *{name} = data;\n"
                 f"if ((void *)({name} + 14) <= data_end)\n\tSTORE64({name}, 2, LOAD64({name}, 2) ^ {total});",
                 defines=[name])]

    def body(self, count):
        """What a whole program does: parses, does this many things or a few more, shows its variables, decides."""
        rnd, scope = self.rnd, Scope()
        scope.globals = self.globals
        body = [Stmt("void *data = DATA(ctx), *data_end = DATA_END(ctx);\n(void)data;\n(void)data_end;", pinned=True)]
        for i in range(rnd.randint(3, 6)):
            name, kind = self.name("v"), rnd.choice(KINDS) if i else "__u32"
            scope.vars.append((name, kind))
            body.append(Stmt(f"{kind} {name} = {rnd.randrange(2 if kind == 'bool' else 4)};", defines=[name]))
        body += self.packet_part.parse(scope) if rnd.random() < 0.9 else []
        for _ in range(count):
            body += self.statements(scope, 1)
        body += self.observe(scope)
        return body + [Stmt("return @0;", exprs=[self.verdict(scope)], pinned=True)]

    def program(self):
        rnd, top = self.rnd, self.declare()
        top += [self.function() for _ in range(rnd.choice([0, 0, 1, 2]))]
        top += [stmt for kind in self.kinds for stmt in kind.programs()]
        self.budget = self.size
        body = self.body(rnd.randint(self.size // 8 + 1, self.size // 3))
        top.append(Stmt(f'SEC("{"tc" if self.tc else "xdp"}")\nint nf({self.context} *ctx)\n{{', Block(body), "}", " ", pinned=True, whole=True))
        top.append(Stmt('char _license[] SEC("license") = "Dual BSD/GPL";', pinned=True))
        tree = Block(top)
        assert is_closed(tree), f"seed {self.seed}: a name stands outside its scope"
        contents = {m.name: m.contents() for m in self.map_part.plain + self.map_part.devices}
        for kind in self.kinds:
            contents.update(kind.contents())
        return Program(self.seed, tree, self.traffic.pools(), contents, self.kinds)


def generate(seed, size, wanted=()):
    """size: about how many statements."""
    return Generator(seed, size, wanted).program()
