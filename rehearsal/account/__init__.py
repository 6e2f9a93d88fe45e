"""The AWS account of a rehearsal, made from the synthesized JSON.

What it does otherwise than AWS:

- What Terraform would create is created by the calls that Terraform's provider would make, but only
  what the functions, the state machine, the operator and the watchdog use. Networks, roles, keys,
  log groups and the balancer have names and nothing behind them: permissions are proved elsewhere.
- Three variables of the functions are changed, because their hosts are on this machine:
  ``SOURCE_ENDPOINT``, ``TARGET_ENDPOINT`` and ``POOLER_PORT``. Names that a DNS record leads to
  (``PRIMARY_SOURCE``, ``PRIMARY_TARGET``) stay; the forwarder goes where they lead.
- The key of the API's tokens is made here: Terraform's own is computed while it applies.
- Alarms do not watch their metrics. Each is OK until a rehearsal says otherwise.
- EventBridge knows the rules and delivers nothing: the watchdog here reads the same rules and tells
  their targets, at once.
- A metric's sample is there as soon as it is published; a DNS record is in sync at once.
"""

from rehearsal.account.account import Account
from rehearsal.account.places import Places
from rehearsal.account.pooler_tasks import PoolerTasks
from rehearsal.account.references import UnknownReference
from rehearsal.account.simulation import Simulation
from rehearsal.account.watchdog import Watchdog

__all__ = ["Account", "Places", "PoolerTasks", "Simulation", "UnknownReference", "Watchdog"]
