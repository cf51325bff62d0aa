"""Seeds for a test of a given length: few statements each, so few cuts, and every kind in a good part of the programs.

    nfgen pick --count 200 --size 5 >tests/fuzz/nfgen/seeds.txt      again whenever what a seed means has changed
"""

from kinds import ALL
from program import generate
from tree import count_stmts

CANDIDATES = 4  # of them one is taken


def pick(count, size):
    """The seeds, in order. Each kind is in a twelfth of the programs at least, if that many have it."""
    programs = {}
    for seed in range(1, CANDIDATES * count + 1):
        program = generate(seed, size)
        programs[seed] = (count_stmts(program.tree), program.names())
    cheap = sorted(programs, key=lambda seed: programs[seed][0])
    taken = set()
    for kind in ALL:
        having = [seed for seed in cheap if kind in programs[seed][1]]
        have = sum(kind in programs[seed][1] for seed in taken)
        taken |= set([seed for seed in having if seed not in taken][:max(0, count // 12 - have)])
    taken |= set([seed for seed in cheap if seed not in taken][:max(0, count - len(taken))])
    return sorted(taken)[:count]
