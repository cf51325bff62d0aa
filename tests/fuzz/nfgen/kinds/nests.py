"""Maps of maps: an array or a hash of hashes or arrays, some of them missing."""

from kinds.kind import Kind
from tree import Block, Stmt


class Nests(Kind):
    CHANCE = 0.08

    def declare(self):
        rnd, gen = self.rnd, self.gen
        self.inner, self.kind = gen.name("inner"), rnd.choice(["HASH", "HASH", "ARRAY", "LRU_HASH"])
        self.outer, self.of = gen.name("m"), rnd.choice(["ARRAY_OF_MAPS", "HASH_OF_MAPS"])
        self.value = rnd.choice(["__u32", "__u64"])
        inside = [gen.name("m") for _ in range(rnd.choice([1, 2]))]
        slots = {slot: rnd.choice(inside) for slot in rnd.sample(range(4), 3)}
        values = ", ".join(f"[{slot}] = &{name}" for slot, name in sorted(slots.items()))
        maps = ", ".join(f"{name} SEC(\".maps\")" for name in inside)
        return [Stmt(f"struct {self.inner} {{\n\t__uint(type, BPF_MAP_TYPE_{self.kind});\n\t__uint(max_entries, 16);\n"
                     f"\t__type(key, __u32);\n\t__type(value, {self.value});\n}} {maps};\n\n"
                     f"struct {{\n\t__uint(type, BPF_MAP_TYPE_{self.of});\n\t__uint(max_entries, 4);\n"
                     f"\t__uint(key_size, sizeof(__u32));\n\t__array(values, struct {self.inner});\n"
                     f"}} {self.outer} SEC(\".maps\") = {{.values = {{{values}}}}};", " ",
                     defines=[self.inner, self.outer] + inside)]

    def use(self, scope):
        """One map is found, and in it an element: read, counted, put there or taken away."""
        rnd, gen, key, number, inner, value = self.rnd, self.gen, *(self.gen.name(x) for x in "kknw")
        target, wide = self.target(scope), self.value[2:]
        head = [Stmt(f"__u32 {key} = @0, {number} = @1;\nvoid *{inner} = bpf_map_lookup_elem(&{self.outer}, &{key});",
                     exprs=[self.small(scope, 3), self.small(scope, rnd.choice([3, 15]))], defines=[key, number, inner])]
        hit = Stmt(rnd.choice([f"*{value} += @0;", f"{target} ^= *{value};", f"*{value} = @0;",
                               f"__sync_fetch_and_add({value}, ({self.value})@0);"]),
                   exprs=[self.ex.any(scope, f"u{wide[1:]}", 1)])
        fresh = gen.name("n")
        put = Stmt(f"{self.value} {fresh} = @0;\n{target} += (__u32)bpf_map_update_elem({inner}, &{number}, &{fresh}, "
                   f"{rnd.choice(['BPF_ANY', 'BPF_NOEXIST'])});", exprs=[self.ex.any(scope, f"u{wide[1:]}", 2)], defines=[fresh])
        look = [Stmt(f"{self.value} *{value} = bpf_map_lookup_elem({inner}, &{number});", defines=[value]),
                Stmt(f"if ({value}) {{", Block([hit]), "} else {", Block([put] * (rnd.random() < 0.7)), "}")]
        if self.kind != "ARRAY" and rnd.random() < 0.25:
            look = [Stmt(f"{target} ^= bpf_map_delete_elem({inner}, &{number}) == 0;")]
        return [Stmt("{", Block(head + [Stmt(f"if ({inner}) {{", Block(look), "} else {", Block(), "}")]), "}")]

    def choices(self, scope):
        return [(self.gen.weight, self.use)]
