"""Pointers that may point into one memory or another: a map's value or a local one, one buffer or the other, two maps."""

from kinds.kind import Kind
from tree import Block, Stmt


class Chosen(Kind):
    CHANCE = 0.1

    def declare(self):
        rnd, gen, out = self.rnd, self.gen, []
        self.maps = []
        for _ in range(2):
            name, kind = gen.name("m"), rnd.choice(["HASH", "ARRAY", "PERCPU_HASH", "LRU_HASH"])
            self.maps.append((name, kind))
            out.append(Stmt(f"struct {{\n\t__uint(type, BPF_MAP_TYPE_{kind});\n\t__uint(max_entries, 8);\n\t__type(key, __u32);\n"
                            f"\t__type(value, __u64);\n}} {name} SEC(\".maps\");", " ", defines=[name]))
        return out

    def contents(self):
        return {name: [{"key": i, "value": 10 * i} for i in range(0, 8, 2)] for name, _ in self.maps}

    def or_local(self, scope):
        """What stands in the map, or a default on the stack; stored if it was missing."""
        rnd, (name, _) = self.rnd, self.rnd.choice(self.maps)
        key, local, value = (self.gen.name(x) for x in "kvw")
        out = [Stmt(f"__u32 {key} = @0;\n__u64 {local} = @1;\n__u64 *{value} = bpf_map_lookup_elem(&{name}, &{key});\n"
                    f"if (!{value})\n\t{value} = &{local};", exprs=[self.small(scope, 7), self.ex.any(scope, "u64", 2)],
                    defines=[key, local, value]),
               Stmt(rnd.choice([f"*{value} += @0;", f"*{value} ^= @0;", f"{self.target(scope)} += *{value};"]),
                    exprs=[self.ex.any(scope, "u64", 1)])]
        if rnd.random() < 0.5:
            out.append(Stmt(f"if ({value} == &{local})\n\tbpf_map_update_elem(&{name}, &{key}, &{local}, BPF_ANY);"))
        out.append(Stmt(f"{self.target(scope)} ^= *{value};"))
        return [Stmt("{", Block(out), "}")]

    def two_maps(self, scope):
        """The second is asked when the first does not know; then the same code works on either's value."""
        rnd, key, value = self.rnd, self.gen.name("k"), self.gen.name("w")
        (first, _), (second, _) = rnd.sample(self.maps, 2)
        use = [Stmt(rnd.choice([f"*{value} += @0;", f"__sync_fetch_and_add({value}, @0);", f"*{value} = @0;"]),
                    exprs=[self.ex.any(scope, "u64", 1)]), Stmt(f"{self.target(scope)} += *{value};")]
        return [Stmt("{", Block([
            Stmt(f"__u32 {key} = @0;\n__u64 *{value} = bpf_map_lookup_elem(&{first}, &{key});\n"
                 f"if (!{value})\n\t{value} = bpf_map_lookup_elem(&{second}, &{key});", exprs=[self.small(scope, 15)],
                 defines=[key, value]),
            Stmt(f"if ({value}) {{", Block(use), "}")]), "}")]

    def two_buffers(self, scope):
        a, b, p = (self.gen.name(x) for x in "bbp")
        return [Stmt(f"__u32 {a}[2] = {{@0, 1}}, {b}[2] = {{2, @1}};\n__u32 *{p} = @2 ? {a} : {b};\n{p}[1] += @3;\n"
                     f"{self.target(scope)} ^= {a}[1] + {b}[1] * 3 + {p}[0];", defines=[a, b, p],
                     exprs=[self.ex.any(scope, "u32", 2), self.ex.any(scope, "u32", 2), self.ex.condition(scope, 1),
                            self.ex.any(scope, "u32", 2)])]

    def choices(self, scope):
        weight = self.gen.weight * (scope.depth < 4)
        return [(weight, self.or_local), (weight, self.two_maps), (weight // 2, self.two_buffers)]
