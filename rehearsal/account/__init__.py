"""The AWS account of a rehearsal, made from the synthesized JSON.

What it does otherwise than AWS: docs/rehearsal.md, from "Account and API calls" on.
"""

from rehearsal.account.account import Account
from rehearsal.account.places import Places
from rehearsal.account.pooler_tasks import PoolerTasks
from rehearsal.account.references import UnknownReference
from rehearsal.account.simulation import Simulation
from rehearsal.account.watchdog import Watchdog

__all__ = ["Account", "Places", "PoolerTasks", "Simulation", "UnknownReference", "Watchdog"]
