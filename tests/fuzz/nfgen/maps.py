"""Maps: declarations, start contents, keys, and the statements that use them.

Keys are drawn so that look-ups hit as well as miss: small numbers, or fields of the packet that the traffic's pools and
the start contents agree on. Padding in keys and values is set: structs are cleared before their members are.
"""

from tree import Block, Expr, Stmt
from scope import Value

SIZES = {"__u8": 1, "__u16": 2, "__u32": 4, "__u64": 8, "__s32": 4, "__s64": 8}
ARRAYS = ("ARRAY", "PERCPU_ARRAY")
HASHES = ("HASH", "LRU_HASH", "PERCPU_HASH", "LRU_PERCPU_HASH")
TYPES = ["ARRAY", "HASH", "HASH", "LRU_HASH", "PERCPU_ARRAY", "PERCPU_HASH", "LRU_PERCPU_HASH", "LPM_TRIE"]
DEVICES = ["DEVMAP", "DEVMAP_HASH"]
ADDRESSES = ["10.0.0.", "192.0.2."]


class Map:
    def __init__(self, number, kind, rnd):
        self.number, self.kind, self.rnd = number, kind, rnd
        self.name = f"m_{number}"
        self.fields, self.array_field, self.key = [], False, "__u32"
        self.entries = rnd.choice([1, 2, 16, 64]) if kind in ARRAYS else rnd.choice([16, 256, 256, 1024])
        if kind in DEVICES:
            self.entries = 8
            return
        for i in range(rnd.randint(1, 4)):
            self.fields.append((f"f{i}", rnd.choice(["__u64", "__u64", "__u32", "__u32", "__u16", "__u8", "__s32", "__s64"])))
        self.array_field = rnd.random() < 0.25
        if kind == "LPM_TRIE":
            self.key = "prefix"
        elif kind in HASHES:
            self.key = rnd.choice(["__u32", "__u32", "__u64", "__u16", "__u8", "struct", "struct"])
            self.key_fields = [("a", rnd.choice(["__u32", "__u64"])), ("b", rnd.choice(["__u16", "__u32"])),
                               ("c", rnd.choice(["__u8", "__u16"]))]

    def key_type(self):
        return f"struct key_{self.number}" if self.key in ("struct", "prefix") else self.key

    def value_type(self):
        return "__u32" if self.kind in DEVICES else f"struct val_{self.number}"

    def declaration(self):
        text, defines = [], [self.name]
        if self.key == "struct":
            text.append(f"struct key_{self.number} {{")
            text += [f"\t{kind} {name};" for name, kind in self.key_fields]
            text += ["};", ""]
            defines.append(f"key_{self.number}")
        elif self.key == "prefix":
            text += [f"struct key_{self.number} {{", "\t__u32 length;", "\t__u32 address;", "};", ""]
            defines.append(f"key_{self.number}")
        if self.kind not in DEVICES:
            text.append(f"struct val_{self.number} {{")
            text += [f"\t{kind} {name};" for name, kind in self.fields]
            text += ["\t__u8 bytes[8];"] if self.array_field else []
            text += ["};", ""]
            defines.append(f"val_{self.number}")
        text += ["struct {", f"\t__uint(type, BPF_MAP_TYPE_{self.kind});", f"\t__uint(max_entries, {self.entries});",
                 f"\t__type(key, {self.key_type()});", f"\t__type(value, {self.value_type()});"]
        text += ["\t__uint(map_flags, BPF_F_NO_PREALLOC);"] if self.kind == "LPM_TRIE" else []
        return Stmt("\n".join(text + [f"}} {self.name} SEC(\".maps\");"]), " ", defines=defines)

    def contents(self):
        """Start contents for --map-init: about half of the keys that the program will ask for."""
        rnd = self.rnd
        if self.kind in DEVICES:
            return [{"key": i, "value": rnd.randint(1, 2)} for i in range(0, 8, 2)]
        if self.kind == "LPM_TRIE":
            keys = [{"prefix": "10.0.0.0/8"}, {"prefix": "10.0.0.4/30"}, {"prefix": "192.0.2.0/29"}]
            keys += [{"prefix": f"{rnd.choice(ADDRESSES)}{i}/32"} for i in range(0, 16, 3)]
            keys = rnd.sample(keys, rnd.randint(2, len(keys)))
        elif self.kind in ARRAYS:
            keys = list(range(0, self.entries, 2))
        elif self.key == "struct":
            keys = [{"a": a, "b": b, "c": c} for a in range(4) for b in range(2) for c in range(2)]
            keys = rnd.sample(keys, min(8, self.entries))
        else:
            keys = rnd.sample(range(16), min(8, self.entries))
            keys += [] if self.key != "__u32" else [address_number(rnd.choice(ADDRESSES), i) for i in range(0, 16, 2)]
            keys = keys[: self.entries]
        return [{"key": key, "value": self.some_value()} for key in keys]

    def some_value(self):
        return {name: self.rnd.randrange(100) for name, _ in self.fields}


def address_number(prefix, last):
    """The address as a little endian machine reads its bytes into a number."""
    return int.from_bytes(bytes(int(part) for part in (prefix + str(last)).split(".")), "little")


class MapStatements:
    """gen: the Generator, for random numbers, names, expressions and blocks."""

    def __init__(self, gen):
        self.gen, self.rnd, self.ex = gen, gen.rnd, gen.ex
        self.plain = []  # maps with values of their own
        self.devices = []

    def small(self, scope, kind):
        """A number below 4, 8 or 16 that depends on packet or state."""
        return Expr(f"({{0}} & {self.rnd.choice([1, 3, 7, 15])})", kind, [self.ex.any(scope, kind, 2)])

    def key(self, of_map, scope):
        """Statements that fill a key, and its name."""
        rnd, name = self.rnd, self.gen.name("k")
        if of_map.kind in ARRAYS:
            index = Expr(f"({{0}} & {of_map.entries * rnd.choice([1, 1, 2]) - 1})", "u32", [self.ex.any(scope, "u32", 1)])
            if rnd.random() < 0.3:
                index = Expr(f"{rnd.randrange(of_map.entries)}", "u32")
            return [Stmt(f"__u32 {name} = @0;", exprs=[index], defines=[name])], name
        if of_map.kind == "LPM_TRIE":
            length = rnd.choice(["32", "32", "32", "24", "30", "8"])
            return [Stmt(f"struct key_{of_map.number} {name} = {{.length = {length}, .address = @0}};",
                         exprs=[self.address(scope)], defines=[name])], name
        if of_map.key == "struct":
            return self.struct_key(of_map, scope, name), name
        wide = "u64" if of_map.key == "__u64" else "u32"
        value = self.address(scope) if of_map.key == "__u32" and rnd.random() < 0.5 else self.small(scope, wide)
        return [Stmt(f"{of_map.key} {name} = @0;", exprs=[value], defines=[name])], name

    def address(self, scope):
        sources = [p for p in scope.pointers if p.header and p.header.addresses]
        if sources and self.rnd.random() < 0.8:
            pointer = self.rnd.choice(sources)
            return Expr(f"{pointer.name}->{self.rnd.choice(pointer.header.addresses)}", "u32")
        return Expr(f"{address_number(self.rnd.choice(ADDRESSES), self.rnd.randrange(16))}u", "u32") \
            if self.rnd.random() < 0.4 else self.ex.any(scope, "u32", 1)

    def struct_key(self, of_map, scope, name):
        rnd, kind = self.rnd, of_map.key_type()
        members = {field: self.small(scope, "u64" if width == "__u64" else "u32") for field, width in of_map.key_fields}
        out = [Stmt(f"{kind} {name};\n__builtin_memset(&{name}, 0, sizeof {name});", defines=[name])]
        for field, _ in of_map.key_fields:
            draw = rnd.random()
            if draw < 0.25 and field != "a":
                out.append(Stmt("if (@0)", f"\t{name}.{field} = @1;", exprs=[self.ex.condition(scope, 1), members[field]]))
            elif draw < 0.9:
                out.append(Stmt(f"{name}.{field} = @0;", exprs=[members[field]]))
        return out

    def touch(self, value, scope):
        """One use of a value behind its pointer."""
        rnd, target = self.rnd, rnd_target(self.rnd, scope)
        field, kind = rnd.choice(value.map.fields)
        place, wide = f"{value.name}->{field}", "u64" if SIZES[kind] == 8 else "u32"
        amount = self.ex.any(scope, wide, 1)
        draw = rnd.random()
        if value.map.array_field and draw < 0.2:
            index = Expr("({0} & 7)", "u32", [self.ex.any(scope, "u32", 2)])
            text = rnd.choice([f"{value.name}->bytes[@0] = @1;", f"{target} += {value.name}->bytes[@0];",
                               f"{value.name}->bytes[@0] += @1;"])
            return Stmt(text, exprs=[index, amount])
        if SIZES[kind] >= 4 and draw < 0.5:
            return Stmt(self.atomic(place, kind, target), exprs=[amount, self.ex.any(scope, wide, 2)])
        forms = [f"{place} += @0;", f"{place} = @0;", f"{place} ^= @0;", f"{target} = {place};", f"{target} ^= {place};",
                 f"{target} += (__u64){place};", f"if ({place} > 40)\n\t{place} = @0;"]
        forms += [f"{place}++;", f"{place}--;"] if kind.startswith("__u") else []
        return Stmt(rnd.choice(forms), exprs=[amount])

    def atomic(self, place, kind, target):
        rnd, value = self.rnd, f"({kind})@0"
        if rnd.random() < 0.5:
            return f"__sync_fetch_and_add(&{place}, {rnd.choice(['1', value])});"
        call = rnd.choice(["fetch_and_add", "fetch_and_or", "fetch_and_and", "fetch_and_xor", "lock_test_and_set"])
        if rnd.random() < 0.3:
            return f"{target} ^= __sync_val_compare_and_swap(&{place}, ({kind})@1, {value});"
        fetched = f"{target} = " if call == "lock_test_and_set" or rnd.random() < 0.5 else ""
        return f"{fetched}__sync_{call}(&{place}, {value});"

    def lookup(self, scope):
        """A look-up in a block of its own, used if it hits, often filled in if it does not."""
        of_map = self.rnd.choice(self.plain)
        inside = scope_below(scope)
        stmts, key = self.key(of_map, inside)
        name = self.gen.name("w")
        stmts.append(self.lookup_stmt(of_map, key, name))
        hit, miss = self.hit_block(Value(name, of_map, True), inside), Block()
        if of_map.kind not in ARRAYS and self.rnd.random() < 0.5:
            miss = Block(self.update_with(of_map, key, scope_below(inside)))
        elif self.rnd.random() < 0.3:
            miss = self.gen.block(inside, 1)
        stmts.append(Stmt(f"if ({name}) {{", hit, "} else {", miss, "}"))
        return [Stmt("{", Block(stmts), "}")]

    def lookup_stmt(self, of_map, key, name):
        return Stmt(f"struct val_{of_map.number} *{name} = bpf_map_lookup_elem(&{of_map.name}, &{key});", defines=[name])

    def hit_block(self, value, scope):
        inside = scope_below(scope)
        inside.values.append(value)
        stmts = [self.touch(value, inside) for _ in range(self.rnd.randint(1, 3))]
        if self.rnd.random() < 0.35 and scope.depth < 4:
            stmts += self.gen.statements(inside, self.rnd.randint(1, 2))
            if value in inside.values:
                stmts.append(self.touch(value, inside))
        return Block(stmts)

    def lookup_flat(self, scope):
        """A value pointer for what follows: checked at once, returning on a miss, or late."""
        rnd, of_map = self.rnd, self.rnd.choice(self.plain)
        stmts, key = self.key(of_map, scope)
        name = self.gen.name("w")
        look = self.lookup_stmt(of_map, key, name)
        if scope.depth == 0 and rnd.random() < (0.6 if of_map.kind in ARRAYS else 0.2):
            look = Stmt(look.parts[0] + f"\nif (!{name})\n\treturn @0;", exprs=[self.gen.verdict(scope)], defines=[name])
            scope.values.append(Value(name, of_map, True))
            return stmts + [look]
        value = Value(name, of_map, False)
        scope.values.append(value)
        between = self.gen.statements(scope, rnd.randint(0, 2))
        if value not in scope.values:
            return stmts + [look] + between
        late = [Stmt(f"if ({name}) {{", self.hit_block(Value(name, of_map, True), scope), "} else {", Block(), "}")]
        return stmts + [look] + between + late

    def late_use(self, scope):
        value = self.rnd.choice([v for v in scope.values if not v.checked])
        hit = self.hit_block(Value(value.name, value.map, True), scope)
        return [Stmt(f"if ({value.name}) {{", hit, "} else {", self.gen.block(scope, 1), "}")]

    def update(self, scope):
        of_map = self.rnd.choice(self.plain)
        inside = scope_below(scope)
        stmts, key = self.key(of_map, inside)
        return [Stmt("{", Block(stmts + self.update_with(of_map, key, inside)), "}")]

    def update_with(self, of_map, key, scope):
        rnd, name, kind = self.rnd, self.gen.name("n"), of_map.value_type()
        exprs = [self.ex.any(scope, "u64" if SIZES[width] == 8 else "u32", 1) for _, width in of_map.fields]
        out = [Stmt(f"{kind} {name};\n__builtin_memset(&{name}, 0, sizeof {name});", defines=[name])]
        out += [Stmt(f"{name}.{field} = @0;", exprs=[expr]) for (field, _), expr in zip(of_map.fields, exprs)]
        if of_map.array_field:
            out.append(Stmt(f"{name}.bytes[{rnd.randrange(8)}] = @0;", exprs=[self.ex.any(scope, "u32", 2)]))
        flags = rnd.choice(["BPF_ANY", "BPF_ANY", "BPF_NOEXIST", "BPF_EXIST"])
        call = f"bpf_map_update_elem(&{of_map.name}, &{key}, &{name}, {flags})"
        out.append(self.result(call, scope))
        if of_map.kind not in ARRAYS:
            scope.drop_values(of_map)
        return out

    def result(self, call, scope):
        target = rnd_target(self.rnd, scope)
        return Stmt(self.rnd.choice([f"{call};", f"{target} ^= {call} == 0;", f"{target} += (__u32){call};",
                                     f"if ({call})\n\t{target}++;"]))

    def delete(self, scope):
        of_map = self.rnd.choice([m for m in self.plain if m.kind not in ARRAYS])
        inside = scope_below(scope)
        stmts, key = self.key(of_map, inside)
        stmts.append(self.result(f"bpf_map_delete_elem(&{of_map.name}, &{key})", inside))
        inside.drop_values(of_map)
        return [Stmt("{", Block(stmts), "}")]


def scope_below(scope):
    return type(scope)(scope)


def rnd_target(rnd, scope):
    """A variable that may be added to: sums of signed ones could overflow."""
    return rnd.choice([name for name, kind in scope.vars if kind.startswith("__u")])
