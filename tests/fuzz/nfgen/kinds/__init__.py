"""All kinds, by name: --kinds of nfgen takes these."""

from kinds.calls import Calls
from kinds.chosen import Chosen
from kinds.each import Each
from kinds.events import Events
from kinds.globs import Globals
from kinds.locks import Locks
from kinds.loops import Loops
from kinds.nests import Nests
from kinds.numbers import Numbers
from kinds.records import Records
from kinds.skb import Skb
from kinds.spans import Spans
from kinds.structs import Structs
from kinds.tails import Tails

ALL = {"calls": Calls, "chosen": Chosen, "each": Each, "events": Events, "globals": Globals, "locks": Locks,
       "loops": Loops, "nests": Nests, "numbers": Numbers, "records": Records, "skb": Skb, "spans": Spans, "structs": Structs,
       "tails": Tails}
