"""nfgen: random well-formed XDP programs, every split of each compared with the kernel's run of the source.

    nfgen print SEED                 the program
    nfgen write SEED FOLDER          the program, its traffic and maps
    nfgen run [--first S] [--count N] [--seconds T] ...    check programs; failures are reduced and kept
    nfgen sums LOG...            what --log of `run` wrote, summed up
"""

import argparse
import pathlib
import sys

sys.dont_write_bytecode = True

from kinds import ALL  # noqa: E402
from ledger import sums  # noqa: E402
from pick import pick  # noqa: E402
from program import generate  # noqa: E402
from run import run  # noqa: E402


def parse_arguments():
    parser = argparse.ArgumentParser(prog="nfgen", description="random XDP programs, split and compared with the kernel")
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("print", help="print the program of a seed")
    show.add_argument("seed", type=int)
    write = commands.add_parser("write", help="write program, traffic and maps of a seed")
    write.add_argument("seed", type=int)
    write.add_argument("folder", type=pathlib.Path)
    check = commands.add_parser("run", help="check programs")
    check.add_argument("--cleave", type=pathlib.Path, required=True, help="the program cleave")
    check.add_argument("--first", type=int, default=1, help="first seed")
    check.add_argument("--count", type=int, default=25, help="how many programs; 0: until time is up")
    check.add_argument("--seconds", type=int, default=0, help="stop after this time; 0: never")
    check.add_argument("--packets", type=int, default=300, help="for each split")
    check.add_argument("--timeout", type=int, default=300, help="seconds for one program")
    check.add_argument("--delay", type=int, help="packets in flight at a time; default: as check does")
    check.add_argument("--jobs", type=int, default=1, help="programs at a time")
    check.add_argument("--keep", type=pathlib.Path, help="folder for failing programs; without it none are kept or reduced")
    check.add_argument("--reduce-seconds", type=int, default=600, help="for one failing program")
    check.add_argument("--object", action="store_true", help="each also compiled by clang, as an object")
    check.add_argument("--log", type=pathlib.Path, help="a line of JSON for each program, appended")
    check.add_argument("--label", default="", help="of the lines of --log: which generator and tool")
    check.add_argument("--seeds", type=pathlib.Path, help="a file of seeds, instead of --first and --count")
    some = commands.add_parser("pick", help="seeds for a test: small programs of all kinds")
    some.add_argument("--count", type=int, default=200)
    total = commands.add_parser("sums", help="sums of logs")
    total.add_argument("logs", nargs="+")
    for each in (show, write, check, some):
        each.add_argument("--size", type=int, default=45, help="about how many statements; part of what a seed means")
        each.add_argument("--kinds", type=lambda text: [word for word in text.split(",") if word], default=[],
                          help="kinds of statements that each program has: " + ", ".join(ALL) + "; part of what a seed means")
    return parser.parse_args()


def main():
    args = parse_arguments()
    if args.command == "print":
        print(generate(args.seed, args.size, args.kinds).source(), end="")
    elif args.command == "write":
        args.folder.mkdir(parents=True, exist_ok=True)
        generate(args.seed, args.size, args.kinds).write(args.folder, f"nf{args.seed}")
    elif args.command == "pick":
        print("\n".join(map(str, pick(args.count, args.size))))
    elif args.command == "sums":
        print("\n".join(sums(args.logs)))
    else:
        return run(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
