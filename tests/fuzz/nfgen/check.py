"""One program through `cleave check --split every`, and what came of it.

    ok         every split is the same as the kernel's run of the source
    rejected   the kernel's verifier does not take the source itself: nothing to compare with
    declined   an object that is refused for one of the reasons of ir/reasons.def, with a line
    model      the verifier takes the source, but Cleave's model of it does not
    mismatch   a split differs
    overtaken  a split differs, but not if every packet is completed before the next
    crash      an assertion, a signal, exit status 70
    no-time    not done in time
    refused    check says that the input is at fault
    verifier   the verifier refuses a kernel part, and no remedy or other cut was found

All but the first three are failures; key() tells whether two of them are the same. A cut without a split for a reason of
the plan's (packets leave the kernel before it on every path) is an answer, and only counted.
"""

import json
import os
import re
import signal
import subprocess

from ledger import place_and_reason
from objects import FLAGS, compile_object, flags_of

FAILURES = ("model", "mismatch", "overtaken", "crash", "no-time", "refused", "verifier")
SPLITS = re.compile(r"(\d+) legal cuts, (\d+) variants, (\d+) without, (\d+) remedies")
NO_VARIANT = re.compile(r"cut \d+: no variant: (.*)")
REFUSED_PART = re.compile(r"verifier|refuse|too (big|long|large)|BPF")


class Checker:
    """cleave: the program. packets: for each split. timeout: seconds for one program. objects: compiled ones are checked."""

    def __init__(self, cleave, folder, packets=300, timeout=240, objects=False):
        self.objects = objects
        self.cleave, self.folder, self.packets, self.timeout = cleave, folder, packets, timeout
        self.options = []

    def check(self, program, stem, tree=None, delay=None):
        """delay: packets in flight at a time; None: as many as check does by itself."""
        program.write(self.folder, stem, tree)
        self.options = program.options(tree)
        if self.objects and not compile_object(self.folder, stem, flags_of(program.seed)):
            return Outcome("rejected", [], "clang does not take it")
        inspected = self.forget_maps(stem)
        outcome = self.run(stem, program.seed, delay)
        if outcome.kind == "mismatch" and delay is None and self.run(stem, program.seed, 0).kind == "ok":
            outcome.kind = "overtaken"
        if outcome.kind == "rejected" and self.kernel_takes(stem):
            outcome.kind = "model"
        if outcome.kind == "refused" and self.objects and place_and_reason(outcome.said)[1]:
            outcome.kind = "declined"
        outcome.inspected = inspected
        return outcome

    def kernel_takes(self, stem):
        """Is the source as clang compiles it fine with the verifier?"""
        compiled = self.objects or compile_object(self.folder, stem, FLAGS[0])
        cleaved = [path for path in (self.cleave.parent.parent / "runtime" / "cleaved", self.cleave.with_name("cleaved"))
                   if path.exists()]
        return compiled and bool(cleaved) and subprocess.run(
            [str(cleaved[0]), "verify", f"{stem}.bpf.o"], cwd=self.folder, capture_output=True).returncode == 0

    def forget_maps(self, stem):
        """clang drops maps that nothing reaches; those of a program that it does not take are nobody's business.
        Returns what `inspect` knows."""
        path = self.folder / f"{stem}.maps.json"
        seen = subprocess.run([str(self.cleave), "inspect", *self.input(stem), "--json", *self.flags()], cwd=self.folder,
                              capture_output=True, text=True, errors="replace")
        if seen.returncode:
            return None
        inspected = json.loads(seen.stdout)
        known = {each["name"] for each in inspected["maps"]}
        maps = {name: entries for name, entries in json.loads(path.read_text()).items() if name in known}
        path.write_text(json.dumps(maps) + "\n")
        return inspected

    def command(self, stem, seed, delay):
        return [str(self.cleave), "check", *self.input(stem), "--split", "every", "--packets", str(self.packets), "--seed",
                str(seed), "--gen", f"{stem}.gen.json", "--map-init", f"{stem}.maps.json", "--save-mismatch",
                f"{stem}.pcap", "--json"] + ([] if delay is None else ["--delay", str(delay)]) + self.flags()

    def input(self, stem):
        return [f"{stem}.bpf.{'o' if self.objects else 'c'}", *self.options]

    def flags(self):
        return [] if self.objects else ["--", "-w"]

    def run(self, stem, seed, delay):
        child = subprocess.Popen(self.command(stem, seed, delay), cwd=self.folder, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True)
        try:
            out, said = child.communicate(timeout=self.timeout)
        except subprocess.TimeoutExpired:
            kill_group(child)
            return Outcome("no-time", [], f"not done in {self.timeout} seconds")
        return classify(child.returncode, out, said)


def kill_group(child):
    """The child is a session of its own, with all that it started."""
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()


class Outcome:
    def __init__(self, kind, variants, said, count=None):
        self.kind, self.variants, self.said = kind, variants, said
        self.cuts, self.without, self.remedies = count or (0, 0, 0)
        self.inspected = None
        self.reached = sum(v["handed_over"] > 0 for v in variants)
        self.bad = [v for v in variants if v["mismatches"]]

    def failed(self):
        return self.kind in FAILURES

    def key(self):
        """Equal for failures with the same cause, as far as can be told from outside."""
        if self.bad:
            return f"{self.kind} {self.bad[0]['oracle']} {self.bad[0]['mismatch']['kind']}"
        text = re.sub(r"\d+", "N", self.reason())
        return f"{self.kind} {text}"[:120]

    def reason(self):
        """The line that says most."""
        lines = [line for line in self.said.splitlines() if line.strip()]
        telling = [line for line in lines if re.search(r"Assertion|LLVM ERROR|Sanitizer|runtime error", line)]
        telling += refused_parts(lines)
        telling += [line for line in lines if "error:" in line]
        return re.sub(r"^\S*?:\d+:(\d+:)? ", "", (telling or lines or ["nothing said"])[0])

    def splits(self):
        return [v["split"] for v in self.bad]


def refused_parts(lines):
    found = [match[1] for match in map(NO_VARIANT.search, lines) if match]
    return [why for why in found if REFUSED_PART.search(why)]


def classify(status, out, said):
    found = SPLITS.search(said)
    count = (int(found[1]), int(found[3]), int(found[4])) if found else None
    try:
        variants = json.loads(out) if out.strip() else []
    except json.JSONDecodeError:
        variants = []
    kind = "ok"
    if status < 0 or status >= 70:
        kind = "crash"
    elif any(v["mismatches"] for v in variants):
        kind = "mismatch"
    elif status:
        kind = "refused"
    elif refused_parts(said.splitlines()):
        kind = "verifier"
    elif any("unexpected" in v for v in variants):
        kind = "model"
    elif any(v["oracle"] != "kernel" for v in variants):
        kind = "rejected"
    return Outcome(kind, variants, said, count)
