"""Generated programs as trees: what is generated, printed and reduced.

A program is a Block of statements; a statement is text with expressions in it (@0, @1, ...) and blocks below it.
Names that come and go end in _NUMBER (v_3, p_12); a statement says which of them it defines. So whether a tree that
lost some of its parts still is a program is decided here, by is_closed(), without asking a compiler:

    Stmt("if (@0) {", Block([...]), "} else {", Block([]), "}", exprs=[Expr("v_1 & 4", "u32")])

An empty block behind "} else {" is not printed. Statements may be taken away wherever the tree stays closed: that never
makes behaviour undefined, since a statement that checks a pointer is the one that defines it.
"""

import re

NAME = re.compile(r"\b[a-z]\w*_\d+\b")
HOLE = re.compile(r"@(\d+)")


class Expr:
    """A C expression of kind u32 or u64; {0}, {1} in its text stand for its operands."""

    __slots__ = ("text", "kind", "kids")

    def __init__(self, text, kind, kids=()):
        self.text, self.kind, self.kids = text, kind, list(kids)

    def render(self):
        return self.text.format(*[kid.render() for kid in self.kids]) if self.kids else self.text

    def size(self):
        return 1 + sum(kid.size() for kid in self.kids)


class Block:
    """Statements between braces. names: what the text before it defines for it (a loop's counter)."""

    __slots__ = ("stmts", "names")

    def __init__(self, stmts=(), names=()):
        self.stmts, self.names = list(stmts), frozenset(names)


class Stmt:
    """parts: text lines and blocks. defines: names for what follows in the same block. inner: names of its own.
    pinned: is never taken away. whole: is taken away with its blocks only, not replaced by one of them."""

    __slots__ = ("parts", "exprs", "defines", "inner", "pinned", "whole")

    def __init__(self, *parts, exprs=(), defines=(), inner=(), pinned=False, whole=False):
        self.parts, self.exprs = list(parts), list(exprs)
        self.defines, self.inner = frozenset(defines), frozenset(inner)
        self.pinned, self.whole = pinned, whole

    def blocks(self):
        return [part for part in self.parts if isinstance(part, Block)]

    def lines(self, text):
        return HOLE.sub(lambda hole: self.exprs[int(hole[1])].render(), text).split("\n")

    def names(self):
        """Names in its own text, without its blocks."""
        text = [part for part in self.parts if isinstance(part, str)]
        return set(NAME.findall("\n".join("\n".join(self.lines(part)) for part in text)))


def render(block, depth=0):
    """The block's lines of C."""
    out = []
    for stmt in block.stmts:
        render_stmt(stmt, depth, out)
    return out


def render_stmt(stmt, depth, out):
    parts = list(stmt.parts)
    for i, part in enumerate(parts):
        if isinstance(part, Block):
            out.extend(render(part, depth + 1))
            continue
        follows = parts[i + 1] if i + 1 < len(parts) else None
        if part == "} else {" and isinstance(follows, Block) and not follows.stmts:
            continue
        out.extend("\t" * depth + line for line in stmt.lines(part) if line)


def is_closed(block, known=frozenset()):
    """Does every name stand in the scope of its definition?"""
    known = set(known) | block.names
    for stmt in block.stmts:
        known |= stmt.defines
        inside = known | stmt.inner
        if not stmt.names() <= inside:
            return False
        if not all(is_closed(below, inside) for below in stmt.blocks()):
            return False
    return True


def count_stmts(block):
    return sum(1 + sum(count_stmts(below) for below in stmt.blocks()) for stmt in block.stmts)


def all_blocks(block):
    """The block and those below it, outermost first."""
    yield block
    for stmt in block.stmts:
        for below in stmt.blocks():
            yield from all_blocks(below)


def all_stmts(block):
    for each in all_blocks(block):
        yield from each.stmts
