"""What the generator knows at one place of the program it writes: names, and what may be done with them.

A scope inside a block has its own copy. A packet that is resized makes every packet pointer stale, in the scopes around
as well; an element that is replaced or deleted does the same to pointers to values of its map.
"""


class Pointer:
    """A packet pointer behind its check: bytes that may be touched, and the header it points to, or None."""

    __slots__ = ("name", "bytes", "header")

    def __init__(self, name, count, header=None):
        self.name, self.bytes, self.header = name, count, header


class Value:
    """A pointer to a map's value; checked: known not to be NULL."""

    __slots__ = ("name", "map", "checked")

    def __init__(self, name, of_map, checked):
        self.name, self.map, self.checked = name, of_map, checked


class Scope:
    def __init__(self, parent=None, in_loop=False):
        self.parent = parent
        self.depth = parent.depth + 1 if parent else 0
        self.in_loop = in_loop or (parent.in_loop if parent else False)
        self.vars = list(parent.vars) if parent else []  # (name, C type), never const
        self.globals = parent.globals if parent else []
        self.pointers = list(parent.pointers) if parent else []
        self.values = list(parent.values) if parent else []
        self.buffers = list(parent.buffers) if parent else []  # (name, bytes), all bytes set
        self.reads = list(parent.reads) if parent else []  # (C text, kind), readable only
        self.verdicts = parent.verdicts if parent else None

    def drop_pointers(self):
        scope = self
        while scope:
            scope.pointers = []
            scope = scope.parent

    def drop_values(self, of_map):
        scope = self
        while scope:
            scope.values = [value for value in scope.values if value.map is not of_map]
            scope = scope.parent
