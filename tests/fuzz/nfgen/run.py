"""Programs by the number: generate, check, count; reduce what fails, once for each cause."""

import json
import os
import pathlib
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from check import Checker
from ledger import record
from objects import FLAGS, flags_of, same_shape
from program import generate
from reduce import Reducer
from tree import count_stmts


class Totals:
    def __init__(self):
        self.programs, self.kinds = 0, {}
        self.cuts = self.without = self.remedies = self.variants = self.reached = self.packets = 0
        self.seen, self.shapes = {}, []  # failures; (seed, is the object's plan like the source's?)

    def add(self, outcome):
        self.programs += 1
        self.kinds[outcome.kind] = self.kinds.get(outcome.kind, 0) + 1
        self.cuts += outcome.cuts
        self.without += outcome.without
        self.remedies += outcome.remedies
        self.variants += len(outcome.variants)
        self.reached += outcome.reached
        self.packets += sum(v["packets"] for v in outcome.variants)

    def text(self):
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items()))
        share = 100 * self.reached // max(1, self.variants)
        return (f"nfgen: {self.programs} programs ({kinds}); {self.cuts} cuts, {self.variants} splits compared, {share} % "
                f"handed packets over, {self.without} cuts without a split, {self.remedies} remedies, {self.packets} packets")


def run(args):
    """Returns 0 if nothing failed, 1 otherwise, 77 where it cannot run."""
    if os.geteuid():
        print("skipped: comparing with the kernel needs root")
        return 77
    args.cleave = args.cleave.resolve()
    totals, start = Totals(), time.monotonic()
    deadline = start + args.seconds if args.seconds else float("inf")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cleave-nfgen."))
    try:
        with ThreadPoolExecutor(max(1, min(args.jobs, 2))) as pool:
            for _ in pool.map(lambda seed: one(args, folder, seed, totals, deadline), seeds(args, deadline)):
                pass
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(totals.text())
    if totals.shapes:
        other = [str(seed) for seed, same in totals.shapes if not same]
        print(f"nfgen: {len(totals.shapes)} plans of objects compared with the source's, {len(other)} of another shape"
              + (f" (seeds {' '.join(other[:20])})" if other else ""))
    rejected = totals.kinds.get("rejected", 0)
    if rejected * 10 > max(totals.programs, 20):
        print(f"nfgen: the kernel took too few programs: {rejected} of {totals.programs} rejected")
        return 1
    return 1 if totals.seen else 0


def seeds(args, deadline):
    if args.seeds:
        yield from map(int, args.seeds.read_text().split())
        return
    seed = args.first
    while (not args.count or seed < args.first + args.count) and (args.count or time.monotonic() < deadline):
        yield seed
        seed += 1


def one(args, folder, seed, totals, deadline):
    if time.monotonic() > deadline:
        return
    program = generate(seed, args.size, args.kinds)
    stem = f"nf{seed}"
    for objects in (False, True) if args.object else (False,):
        if not check_one(args, Checker(args.cleave, folder, args.packets, args.timeout, objects), program, totals):
            break
    if args.object and FLAGS[0] == flags_of(seed):
        totals.shapes.append((seed, same_shape(args.cleave, folder, stem, program.options())))
    for path in folder.glob(f"{stem}[.-]*"):
        path.unlink()


def check_one(args, checker, program, totals):
    """True: there is more to do with this program."""
    seed = program.seed
    outcome = checker.check(program, f"nf{seed}", delay=args.delay)
    totals.add(outcome)
    if args.log:
        with args.log.open("a") as log:
            log.write(json.dumps(record(program, outcome, outcome.inspected,
                                        args.label + "-object" * checker.objects)) + "\n")
    if args.count == 0 or outcome.failed():
        print(f"seed {seed}{' (object)' * checker.objects}: {outcome.kind}, {outcome.cuts} cuts, {outcome.reached} of {len(outcome.variants)} reached"
              + (f": {outcome.key()}" if outcome.failed() else ""), flush=True)
    if outcome.failed():
        known = outcome.key() in totals.seen
        totals.seen.setdefault(outcome.key(), []).append(seed)
        if args.keep and not known:
            keep(args, checker, program, outcome)
        elif not args.keep:
            print(outcome.said[-2000:], flush=True)
    return outcome.kind == "ok"


def keep(args, checker, program, outcome):
    """The program as it was, and reduced, in the folder for failures."""
    stem = f"nf{program.seed}"
    args.keep.mkdir(parents=True, exist_ok=True)
    program.write(args.keep, stem)
    small = reduce_failure(args, checker, program, outcome)
    final = Checker(args.cleave, args.keep, args.packets, args.timeout, checker.objects)
    shown = final.check(program, f"{stem}-reduced", small, args.delay)
    command = " ".join(final.command(f"{stem}-reduced", program.seed, args.delay)).replace(" --json", "")
    (args.keep / f"{stem}-reduced.txt").write_text(
        f"{outcome.key()}\n{command}\n{shown.kind} {' '.join(shown.splits())}\n{shown.said}\n"
        + "".join(v["mismatch"]["text"] + "\n" for v in shown.bad))
    print(f"seed {program.seed}: reduced to {count_stmts(small)} statements: {args.keep / stem}-reduced.bpf.c", flush=True)


def reduce_failure(args, checker, program, outcome):
    """All splits again for each candidate, since the numbers of edges change with the program."""
    wanted, stem = outcome.key(), f"nf{program.seed}.r"
    deadline = time.monotonic() + args.reduce_seconds
    reducer = Reducer(program.tree, lambda tree: checker.check(program, stem, tree, args.delay).key() == wanted,
                      lambda: time.monotonic() > deadline)
    return reducer.reduce()
