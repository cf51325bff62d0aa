"""Fields of a map's value that change together under a spin lock."""

from kinds.kind import Kind
from tree import Block, Stmt


class Locks(Kind):
    CHANCE = 0.05

    def declare(self):
        rnd, gen = self.rnd, self.gen
        self.name, self.type, self.kind = gen.name("m"), gen.name("val"), rnd.choice(["ARRAY", "HASH"])
        return [Stmt(f"struct {self.type} {{\n\tstruct bpf_spin_lock lock;\n\t__u32 tokens;\n\t__u64 seen, sum;\n}};\n\n"
                     f"struct {{\n\t__uint(type, BPF_MAP_TYPE_{self.kind});\n\t__uint(max_entries, 8);\n\t__type(key, __u32);\n"
                     f"\t__type(value, struct {self.type});\n}} {self.name} SEC(\".maps\");", " ", defines=[self.name, self.type])]

    def use(self, scope):
        """Under the lock nothing is called, and what goes in is computed before."""
        rnd, key, value, amount, left, fresh = self.rnd, *(self.gen.name(x) for x in "kwvvn")
        target = self.target(scope)
        head = Stmt(f"__u32 {key} = @0;\n__u64 {amount} = @1, {left};\n"
                    f"struct {self.type} *{value} = bpf_map_lookup_elem(&{self.name}, &{key});",
                    exprs=[self.small(scope, 7), self.ex.any(scope, "u64", 1)], defines=[key, value, amount, left])
        change = rnd.choice([f"{value}->sum += {amount};\n{left} = {value}->tokens;", f"{left} = {value}->sum;\n{value}->sum ^= {amount};",
                             f"{left} = 0;\nif ({value}->tokens)\n\t{left} = {value}->tokens--;\nelse\n\t{value}->tokens = 9;"])
        hit = Block([Stmt(f"bpf_spin_lock(&{value}->lock);\n{value}->seen++;\n{change}\nbpf_spin_unlock(&{value}->lock);\n"
                          f"{target} ^= {left};")])
        miss = Block()
        if self.kind == "HASH":
            miss.stmts.append(Stmt(f"struct {self.type} {fresh} = {{.tokens = 3}};\nbpf_map_update_elem(&{self.name}, &{key}, "
                                   f"&{fresh}, BPF_ANY);", defines=[fresh]))
        return [Stmt("{", Block([head, Stmt(f"if ({value}) {{", hit, "} else {", miss, "}")]), "}")]

    def choices(self, scope):
        return [(self.gen.weight * (not scope.in_loop), self.use)]
