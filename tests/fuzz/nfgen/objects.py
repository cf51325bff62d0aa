"""The same programs as compiled objects: how each is compiled, and whether its plan is like the source's."""

import json
import platform
import subprocess

# As different compilers and build files would have it; the first is what the sources are compiled with.
FLAGS = [["-mcpu=v3", "-O2"], ["-mcpu=v3", "-O2"], ["-mcpu=v4", "-O2"], ["-mcpu=v3", "-Os"], ["-mcpu=v2", "-O2"]]


def flags_of(seed):
    return FLAGS[seed % len(FLAGS)]


def compile_object(folder, stem, flags):
    """stem.bpf.o from stem.bpf.c; False where clang does not take it."""
    machine = platform.machine()
    command = ["clang-19", "-target", "bpf", f"-D__{machine}__", "-g", "-w", f"-I/usr/include/{machine}-linux-gnu", *flags,
               "-c", f"{stem}.bpf.c", "-o", f"{stem}.bpf.o"]
    return subprocess.run(command, cwd=folder, capture_output=True).returncode == 0


def shape(cleave, folder, name, options):
    """What a source and its object should have alike: layers, homes of maps, cuts; None: no plan."""
    done = subprocess.run([str(cleave), "explain", "--json", name, *options] + (["--", "-w"] if name.endswith(".c") else []),
                          cwd=folder, capture_output=True, text=True, errors="replace")
    if done.returncode:
        return None
    plan = json.loads(done.stdout)
    return {"cuts": len({(cut["from"], cut["to"]) for cut in plan["cuts"] if not cut["held_only"]}),
            "layers": sorted({layer for block in plan["blocks"] for layer in block["layers"]}),
            "homes": {each["map"]: each["home"] for each in plan["maps"]}}


def same_shape(cleave, folder, stem, options):
    source, compiled = (shape(cleave, folder, f"{stem}.bpf.{end}", options) for end in "co")
    return source == compiled
