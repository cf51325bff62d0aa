"""Map values that are arrays of structs with arrays in them, by indices that depend on packet or state."""

from kinds.kind import Kind
from tree import Block, Stmt


class Records(Kind):
    CHANCE = 0.15

    def declare(self):
        rnd, gen = self.rnd, self.gen
        self.kind, self.name, self.type = rnd.choice(["ARRAY", "HASH", "PERCPU_ARRAY", "LRU_HASH"]), gen.name("m"), gen.name("val")
        self.rows, self.bytes, self.entries = rnd.choice([2, 4, 8]), rnd.choice([4, 8]), rnd.choice([4, 64])
        self.row = gen.name("row")
        self.members = [("a", "__u32"), ("b", "__u16"), ("d", "__u64"), ("e", "__s32")]
        rnd.shuffle(self.members)
        fields = "".join(f"\t{kind} {name};\n" for name, kind in self.members)
        return [Stmt(f"struct {self.row} {{\n{fields}\t__u8 c[{self.bytes}];\n}};\n\nstruct {self.type} {{\n\t__u32 turn;\n"
                     f"\tstruct {self.row} rows[{self.rows}];\n}};\n\nstruct {{\n\t__uint(type, BPF_MAP_TYPE_{self.kind});\n"
                     f"\t__uint(max_entries, {self.entries});\n\t__type(key, __u32);\n\t__type(value, struct {self.type});\n"
                     f"}} {self.name} SEC(\".maps\");", " ", defines=[self.row, self.type, self.name])]

    def contents(self):
        return {self.name: [{"key": i, "value": {"turn": i, "rows": [{"a": i, "d": 3 * i}]}} for i in range(0, 4, 2)]}

    def touch(self, scope, value):
        rnd, target = self.rnd, self.target(scope)
        row = f"{value}->rows[@1 & {self.rows - 1}]"
        name, kind = rnd.choice(self.members)
        wide = "u64" if kind == "__u64" else "u32"
        forms = [f"{row}.{name} = @0;", f"{target} ^= {row}.{name};", f"{row}.c[@0 & {self.bytes - 1}]++;",
                 f"{target} += {row}.c[@0 & {self.bytes - 1}];", f"{row}.{name} ^= @0;",
                 f"{value}->turn = ({value}->turn + 1) & {self.rows - 1};\n{value}->rows[{value}->turn & {self.rows - 1}].b = @0;",
                 f"{value}->rows[@1 & {self.rows - 1}] = {value}->rows[{rnd.randrange(self.rows)}];"]
        if kind != "__u16":
            forms += [f"__sync_fetch_and_add(&{row}.{name}, ({kind})@0);"]
        return Stmt(rnd.choice(forms), exprs=[self.ex.any(scope, wide, 2), self.ex.any(scope, "u32", 2)])

    def use(self, scope):
        rnd, key, value, fresh = self.rnd, *(self.gen.name(x) for x in "kwn")
        head = Stmt(f"__u32 {key} = @0;\nstruct {self.type} *{value} = bpf_map_lookup_elem(&{self.name}, &{key});",
                    exprs=[self.small(scope, rnd.choice([3, 7]))], defines=[key, value])
        miss = Block()
        if self.kind.endswith("HASH"):
            miss.stmts.append(Stmt(f"struct {self.type} {fresh} = {{.turn = @0}};\nbpf_map_update_elem(&{self.name}, &{key}, "
                                   f"&{fresh}, BPF_ANY);", exprs=[self.ex.leaf(scope, "u32")], defines=[fresh]))
        hit = Block([self.touch(scope, value) for _ in range(rnd.randint(1, 3))])
        return [Stmt("{", Block([head, Stmt(f"if ({value}) {{", hit, "} else {", miss, "}")]), "}")]

    def choices(self, scope):
        return [(self.gen.weight * (scope.depth < 4), self.use)]
