"""What came of each program, a line of JSON each (--log FILE), and the refusals among it: every cut that got no split,
every edge that is no cut, every op that a layer does not take. Each must have a reason of ir/reasons.def and a line.

    nfgen sums FILE...      the sums of such files, one line for each version of generator and tool
"""

import json
import pathlib
import re

REASONS = pathlib.Path(__file__).resolve().parents[3] / "ir" / "reasons.def"
ROW = re.compile(r'^REASON\((\w+), "([^"]+)",\s*"((?:[^"\\]|\\.)*)"', re.M)
NO_VARIANT = re.compile(r"cut (\d+): no variant: (.*)")
PLACE = re.compile(r"^(\S+?):(\d+):(?:\d+:)? (?:error|note): (.*)")
NAMES = None


def reasons():
    """(id, pattern of the sentence) for each row."""
    global NAMES
    if NAMES is None:
        rows = ROW.findall(REASONS.read_text())
        NAMES = [(name, re.compile(re.escape(text).replace("%s", ".*?") + "$")) for _, name, text in rows]
    return NAMES


def reason_of(sentence):
    """The row that a sentence was made from; a sentence may stand behind a few words of its own."""
    found = [name for name, pattern in reasons() if name != "map-use" and pattern.search(sentence)]
    return found[0] if found else None


def place_and_reason(said):
    """(line, row, text) of the first error with a place; (0, None, text) without one."""
    found = [match for match in map(PLACE.match, said.splitlines()) if match and int(match[2])]
    if not found:
        return 0, None, said.strip()[:200]
    return int(found[0][2]), reason_of(found[0][3]), found[0][3]


def cuts_refused(said):
    """{cut, reason, line, text} for each cut that no split was made for."""
    out = []
    for match in map(NO_VARIANT.search, said.splitlines()):
        place = PLACE.match(match[2]) if match else None
        text = place[3] if place else match[2] if match else ""
        if match:
            out.append({"cut": int(match[1]), "reason": reason_of(text), "line": int(place[2]) if place else 0, "text": text})
    return out


def plan_refused(inspected):
    """{reason, line, text} for what `inspect` says that a layer or an edge cannot do; the NIC is left out."""
    out = []
    for op in inspected["ops"]:
        for layer in ("kernel", "user"):
            if layer not in op["legal"]:
                why = op["missing"].get(layer, {})
                out.append({"reason": why.get("reason"), "line": op.get("line", 0), "text": why.get("sentence", op["text"])})
    for edge in inspected["edges"]:
        if not edge["cut"]:
            why = edge.get("why_not", {})
            out.append({"reason": why.get("reason"), "line": edge.get("line", 0),
                        "text": why.get("sentence", "no sentence")})
    return out


def unexplained(refusals):
    return [each for each in refusals if not each["reason"] or not each["line"]]


def record(program, outcome, inspected, version):
    """One line of the log."""
    refused = cuts_refused(outcome.said) + (plan_refused(inspected) if inspected else [])
    if outcome.kind in ("refused", "declined"):
        line, reason, text = place_and_reason(outcome.said)
        refused.append({"reason": reason, "line": line, "text": text})
    count = {}
    for each in refused:
        count[each["reason"] or "none"] = count.get(each["reason"] or "none", 0) + 1
    return {"version": version, "seed": program.seed, "kinds": program.names(), "kind": outcome.kind, "ops": len(inspected["ops"]) if inspected else 0,
            "cuts": outcome.cuts, "splits": len(outcome.variants), "reached": outcome.reached, "without": outcome.without,
            "remedies": outcome.remedies, "packets": sum(v["packets"] for v in outcome.variants),
            "mismatches": len(outcome.bad), "refusals": count, "unexplained": unexplained(refused)[:4],
            "key": outcome.key() if outcome.failed() else ""}


def sums(paths):
    """A line of text for each version."""
    total = {}
    for line in [line for path in paths for line in pathlib.Path(path).read_text().splitlines()]:
        each = json.loads(line)
        of_version = total.setdefault(each["version"], {"programs": 0, "refusals": {}, "kinds": {}, "unexplained": 0})
        of_version["programs"] += 1
        of_version["unexplained"] += len(each["unexplained"])
        of_version["kinds"][each["kind"]] = of_version["kinds"].get(each["kind"], 0) + 1
        for key in ("ops", "cuts", "splits", "reached", "without", "remedies", "packets", "mismatches"):
            of_version[key] = of_version.get(key, 0) + each[key]
        for reason, count in each["refusals"].items():
            of_version["refusals"][reason] = of_version["refusals"].get(reason, 0) + count
    return [f"{version}: {json.dumps(total[version], sort_keys=True)}" for version in total]
