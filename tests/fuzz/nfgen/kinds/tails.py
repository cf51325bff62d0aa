"""Programs that are entered by tail calls: chains, and with a table that is filled by the source or by --tail-calls.

What one program finds goes to the next in the packet and in maps alone, as with any tail call.
"""

import re

from kinds.kind import Kind
from tree import Block, Stmt

RELOAD = "data = DATA(ctx);\ndata_end = DATA_END(ctx);"


class Tails(Kind):
    CHANCE = 0.14
    TC = False

    def declare(self):
        rnd, gen = self.rnd, self.gen
        self.entered = [gen.name("t") for _ in range(rnd.choice([1, 1, 2, 3]))]
        self.slots = rnd.choice([4, 4, 8])
        self.table = {slot: rnd.choice(self.entered) for slot in rnd.sample(range(self.slots), rnd.randint(1, self.slots - 1))}
        self.table.update({i: name for i, name in enumerate(self.entered)})
        self.name, self.by_source = gen.name("m"), rnd.random() < 0.6
        self.next = 0  # a program calls those behind it only, and so each chain ends
        values = ", ".join(f"[{slot}] = (void *)&{name}" for slot, name in sorted(self.table.items()))
        known = "".join(f"int {name}({gen.context} *ctx);\n" for name in self.entered) if self.by_source else ""
        start = f" = {{.values = {{{values}}}}}" if self.by_source else ""
        inner = "\t__array(values, int(struct xdp_md *));\n" if self.by_source else "\t__uint(value_size, sizeof(__u32));\n"
        return [Stmt(f"{known}struct {{\n\t__uint(type, BPF_MAP_TYPE_PROG_ARRAY);\n\t__uint(max_entries, {self.slots});\n"
                     f"\t__uint(key_size, sizeof(__u32));\n{inner}}} {self.name} SEC(\".maps\"){start};", " ",
                     defines=[self.name] + self.entered * self.by_source)]

    def programs(self):
        out = []
        for number, name in enumerate(self.entered):
            self.next = number + 1
            self.gen.budget = self.rnd.randint(2, 4)
            body = self.gen.body(self.rnd.randint(1, 3))
            out.append(Stmt(f'SEC("xdp")\nint {name}({self.gen.context} *ctx)\n{{', Block(body), "}", " ", defines=[name],
                            pinned=self.by_source, whole=True))
        self.next = 0
        return out

    def call(self, scope):
        """To a program known by its slot, or to whatever stands at a computed one: nothing, mostly, in half of the packets."""
        rnd = self.rnd
        scope.drop_pointers()
        ahead = [slot for slot, name in self.table.items() if self.entered.index(name) >= self.next]
        missing = [slot for slot in range(self.slots + 1) if slot not in self.table]
        if self.next == 0 and rnd.random() < 0.4:
            return [Stmt(f"bpf_tail_call(ctx, &{self.name}, @0);\n{RELOAD}", exprs=[self.small(scope, self.slots - 1)])]
        slot = rnd.choice(ahead if ahead and rnd.random() < 0.85 else missing)
        return [Stmt(f"if (@0)\n\tbpf_tail_call(ctx, &{self.name}, {slot});\n{RELOAD}", exprs=[self.ex.condition(scope, 1)])]

    def choices(self, scope):
        return [(self.gen.weight * (not scope.in_loop), self.call)]

    def options(self, text):
        out = ["--program", "nf"]
        here = [f"[{slot}]={name}" for slot, name in sorted(self.table.items()) if re.search(rf"^int {name}\(.*\n\{{", text, re.M)]
        if not self.by_source and here and f"{self.name} SEC" in text:
            out += ["--tail-calls", ",".join(self.name + each for each in here)]
        return out
