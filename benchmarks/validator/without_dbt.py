"""Runs data-diff's command line without dbt, in the environment tools/peers.

data-diff imports dbt-core at its start, also where no dbt project is compared. Leaving it out
makes it start faster than it does.
"""

import sys
from importlib import import_module
from types import ModuleType


def main() -> None:
    """As ``data-diff``."""
    dbt = ModuleType("data_diff.dbt")
    dbt.__dict__["dbt_diff"] = None
    sys.modules[dbt.__name__] = dbt
    command = import_module("data_diff.__main__").main
    for option in command.params:
        # Release 0.11.2 takes them as text, and then "must be lower than threshold".
        if option.name in ("bisection_factor", "bisection_threshold"):
            option.type = import_module("click").INT
    command()


if __name__ == "__main__":
    main()
