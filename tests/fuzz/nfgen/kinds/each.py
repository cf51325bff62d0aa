"""bpf_for_each_map_elem over an array or a per-CPU array, with a callback that sums up, changes and stops."""

from kinds.kind import Kind
from scope import Scope
from tree import Block, Stmt


class Each(Kind):
    CHANCE = 0.1

    def declare(self):
        rnd, gen = self.rnd, self.gen
        self.name, self.entries, self.kind = gen.name("m"), rnd.choice([1, 3, 8, 16]), rnd.choice(["ARRAY", "PERCPU_ARRAY"])
        self.call, self.state, self.value = gen.name("h"), gen.name("state"), rnd.choice(["__u32", "__u64"])
        of_map = Stmt(f"struct bpf_map;\n\nstruct {{\n\t__uint(type, BPF_MAP_TYPE_{self.kind});\n"
                      f"\t__uint(max_entries, {self.entries});\n\t__type(key, __u32);\n\t__type(value, {self.value});\n"
                      f"}} {self.name} SEC(\".maps\");", " ", defines=[self.name])
        return [of_map, self.callback()]

    def contents(self):
        return {self.name: [{"key": i, "value": self.rnd.randrange(50)} for i in range(0, self.entries, 2)]}

    def callback(self):
        rnd, gen, sum_, value = self.rnd, self.gen, self.gen.name("v"), self.gen.name("v")
        inside, wide = Scope(), "u" + self.value[3:]
        inside.globals, inside.reads = gen.globals, [("*key", "u32"), ("state->word", "u32")]
        inside.vars = [(sum_, "__u64"), (value, self.value)]
        body = [Stmt(f"{self.value} {value} = *element;\n__u64 {sum_} = state->sum;", defines=[sum_, value], pinned=True)]
        body.append(Stmt(f"{sum_} {rnd.choice(['+=', '^='])} @0;", exprs=[self.ex.any(inside, "u64", 1)]))
        if rnd.random() < 0.6:
            body.append(Stmt("*element = @0;", exprs=[self.ex.any(inside, wide, 1)]))
        if rnd.random() < 0.5:
            body.append(Stmt("if (@0)\n\treturn 1;", exprs=[self.ex.condition(inside, 1)]))
        body.append(Stmt(f"state->sum = {sum_};\nreturn 0;", pinned=True))
        return Stmt(f"struct {self.state} {{\n\t__u64 sum;\n\t__u32 word;\n}};\n\nstatic long {self.call}(struct bpf_map *map, "
                    f"const __u32 *key, {self.value} *element, struct {self.state} *state)\n{{", Block(body), "}", " ",
                    defines=[self.call, self.state], whole=True)

    def walk(self, scope):
        state, a, b = self.gen.name("l"), self.target(scope), self.target(scope)
        return [Stmt(f"struct {self.state} {state} = {{.sum = @0, .word = @1}};\n"
                     f"{a} ^= bpf_for_each_map_elem(&{self.name}, {self.call}, &{state}, 0);\n{b} += {state}.sum;",
                     defines=[state], exprs=[self.ex.any(scope, "u64", 2), self.ex.any(scope, "u32", 2)])]

    def look(self, scope):
        """An element from outside, so that what the callback did shows."""
        key, value = self.gen.name("k"), self.gen.name("w")
        return [Stmt(f"__u32 {key} = @0;\n{self.value} *{value} = bpf_map_lookup_elem(&{self.name}, &{key});\n"
                     f"if ({value})\n\t{self.target(scope)} += (*{value})++;",
                     defines=[key, value], exprs=[self.small(scope, 15)])]

    def choices(self, scope):
        free = not scope.in_loop
        return [(self.gen.weight * free, self.walk), (self.gen.weight // 2, self.look)]
