"""Makes a failing program small: delta debugging on its tree.

Candidates, coarse to fine: runs of statements taken away, a statement replaced by one of its blocks, expressions by their
operands, by constants or variables. A candidate that is not closed (tree.is_closed) costs nothing; one is taken when
fails(tree) still says so.
"""

import copy

from tree import Expr, all_blocks, all_stmts, count_stmts, is_closed

SIMPLE = {"u32": ["0u", "1u", "(__u32)-1"], "u64": ["0ull", "1ull", "(__u64)-1"]}


class Reducer:
    """fails: says whether a tree still shows the failure. stop: says whether time is up."""

    def __init__(self, tree, fails, stop=lambda: False):
        self.tree, self.fails, self.stop = copy.deepcopy(tree), fails, stop
        self.tried = 0

    def reduce(self):
        before = None
        while before != self.size() and not self.stop():
            before = self.size()
            self.take_away()
            self.unwrap()
            self.take_away()
            self.simplify()
        return self.tree

    def size(self):
        return count_stmts(self.tree), sum(expr.size() for stmt in all_stmts(self.tree) for expr in stmt.exprs)

    def still_fails(self):
        if self.stop() or not is_closed(self.tree):
            return False
        self.tried += 1
        return self.fails(self.tree)

    def take_away(self, block=None):
        """Runs of statements, outermost and longest first; in a block the last ones first, since they use the others."""
        block = block or self.tree
        length = max(1, len(block.stmts) // 2)
        while True:
            at = len(block.stmts) - length
            while at >= 0:
                self.try_without(block, at, length)
                at -= length
            if length == 1:
                break
            length //= 2
        for below in [below for stmt in block.stmts[::-1] for below in stmt.blocks()]:
            self.take_away(below)

    def try_without(self, block, at, length):
        taken = block.stmts[at:at + length]
        if len(taken) < length or not taken or any(stmt.pinned for stmt in taken):
            return
        block.stmts[at:at + length] = []
        if not self.still_fails():
            block.stmts[at:at] = taken

    def unwrap(self):
        for block in list(all_blocks(self.tree)):
            at = 0
            while at < len(block.stmts):
                at += not self.try_unwrap(block, at)

    def try_unwrap(self, block, at):
        stmt = block.stmts[at]
        for below in stmt.blocks() if not (stmt.whole or stmt.pinned) else []:
            if not below.stmts:
                continue
            block.stmts[at:at + 1] = below.stmts
            if self.still_fails():
                return True
            block.stmts[at:at + len(below.stmts)] = [stmt]
        return False

    def simplify(self):
        for stmt in list(all_stmts(self.tree)):
            for i in range(len(stmt.exprs)):
                if f"@{i}" in "".join(part for part in stmt.parts if isinstance(part, str)):
                    self.simplify_at(stmt.exprs, i)

    def simplify_at(self, exprs, i):
        """Here by something smaller; if nothing does, the operands."""
        progress = True
        while progress:
            progress = False
            now = exprs[i]
            for simpler in self.simpler_than(now):
                exprs[i] = simpler
                if self.still_fails():
                    progress = simpler.size() > 1
                    break
                exprs[i] = now
        for k in range(len(exprs[i].kids)):
            self.simplify_at(exprs[i].kids, k)

    def simpler_than(self, expr):
        if expr.size() == 1:
            return []
        plain = [Expr(text, expr.kind) for text in SIMPLE[expr.kind]]
        return plain[:2] + [kid for kid in expr.kids if kid.kind == expr.kind] + plain[2:]
