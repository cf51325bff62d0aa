"""Records to a ring buffer, whole or in place, and to perf buffers, with bytes of the packet or without."""

from kinds.kind import Kind
from tree import Block, Stmt


class Events(Kind):
    CHANCE = 0.12

    def declare(self):
        rnd, gen = self.rnd, self.gen
        self.record, self.ring, self.perf = gen.name("event"), gen.name("m"), gen.name("m")
        size = rnd.choice([4096, 65536])
        return [Stmt(f"struct {self.record} {{\n\t__u64 number;\n\t__u32 word, more;\n}};", " ", defines=[self.record]),
                Stmt(f"struct {{\n\t__uint(type, BPF_MAP_TYPE_RINGBUF);\n\t__uint(max_entries, {size});\n"
                     f"}} {self.ring} SEC(\".maps\");", " ", defines=[self.ring]),
                Stmt("struct {\n\t__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);\n\t__uint(key_size, sizeof(int));\n"
                     f"\t__uint(value_size, sizeof(int));\n}} {self.perf} SEC(\".maps\");", " ", defines=[self.perf])]

    def event(self, scope):
        """A record on the stack, all bytes set."""
        name = self.gen.name("n")
        return name, Stmt(f"struct {self.record} {name} = {{.number = @0, .word = @1, .more = @2}};", defines=[name],
                          exprs=[self.ex.any(scope, "u64", 2), self.ex.any(scope, "u32", 2), self.ex.leaf(scope, "u32")])

    def whole(self, scope):
        rnd, (name, made) = self.rnd, self.event(scope)
        call = f"bpf_ringbuf_output(&{self.ring}, &{name}, sizeof {name}, 0);"
        if rnd.random() < 0.5:
            flags = rnd.choice(["BPF_F_CURRENT_CPU", "BPF_F_CURRENT_CPU", "BPF_F_CURRENT_CPU | (__u64)14 << 32"])
            call = f"bpf_perf_event_output(ctx, &{self.perf}, {flags}, &{name}, sizeof {name});"
        return [Stmt("{", Block([made, Stmt(call)]), "}")]

    def placed(self, scope):
        """Reserved, filled, and submitted or thrown away; nothing in between may leave the program."""
        rnd, name = self.rnd, self.gen.name("n")
        exprs = [self.ex.any(scope, "u64", 2), self.ex.any(scope, "u32", 2), self.ex.condition(scope, 2)]
        end = f"bpf_ringbuf_submit({name}, 0);"
        if rnd.random() < 0.4:
            end = f"if (@2)\n\t\tbpf_ringbuf_discard({name}, 0);\n\telse\n\t\tbpf_ringbuf_submit({name}, 0);"
        return [Stmt(f"struct {self.record} *{name} = bpf_ringbuf_reserve(&{self.ring}, sizeof *{name}, 0);\n"
                     f"if ({name}) {{\n\t{name}->number = @0;\n\t{name}->word = @1;\n\t{name}->more = 7;\n\t{end}\n}}",
                     exprs=exprs, defines=[name])]

    def choices(self, scope):
        return [(self.gen.weight, self.whole), (self.gen.weight // 2, self.placed)]
