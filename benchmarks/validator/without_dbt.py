"""Runs data-diff's command line without dbt, in the environment tools/peers.

data-diff imports dbt-core, a hundred packages, at its start, also where no dbt project is compared.
Leaving them out makes it faster than it is, by some seconds.
"""

import sys
from types import ModuleType

_DBT = ModuleType("data_diff.dbt")
_DBT.__dict__["dbt_diff"] = None
sys.modules[_DBT.__name__] = _DBT

if __name__ == "__main__":
    from importlib import import_module

    import_module("data_diff.__main__").main()
