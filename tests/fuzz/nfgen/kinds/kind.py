"""What a kind of statement is: some programs have it, most do not. One small class in a file of its own, listed in
kinds/__init__.py. What it makes is defined C for all packets, and the kernel's verifier takes it.

    declare()         statements for the top level, before functions and programs; called once, if the program has the kind
    programs()        statements for the top level behind all functions
    choices(scope)    rows (weight, maker) of what is possible here; maker(scope) returns statements
    options(text)     options of cleave that the program with this text needs
"""

from maps import rnd_target


class Kind:
    CHANCE = 0.12  # of a program to have it
    TC = True  # may TC programs have it?

    def __init__(self, gen):
        self.gen, self.rnd, self.ex = gen, gen.rnd, gen.ex

    def declare(self):
        return []

    def programs(self):
        return []

    def choices(self, scope):
        return []

    def options(self, text):
        return []

    def contents(self):
        """Start contents of maps, for --map-init."""
        return {}

    def target(self, scope):
        return rnd_target(self.rnd, scope)

    def small(self, scope, mask, kind="u32"):
        """A number up to mask that depends on packet or state."""
        return self.ex.masked(scope, kind, mask)
