"""Those who make things go wrong, one for each kind of fault, and put them right again."""

from tests.load.rehearsal.injectors.clocks import Clocks
from tests.load.rehearsal.injectors.connections import Connections
from tests.load.rehearsal.injectors.port import Injector
from tests.load.rehearsal.injectors.processes import Freezes, Kills
from tests.load.rehearsal.injectors.psp import Psp
from tests.load.rehearsal.injectors.stores import Stores

__all__ = ["Clocks", "Connections", "Freezes", "Injector", "Kills", "Psp", "Stores"]
