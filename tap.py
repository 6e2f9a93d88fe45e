"""Synthesizes the stacks of the environment that ``ENVIRONMENT`` names (default ``dev``)."""

from __future__ import annotations

import os
import sys

from lib.functions.dependencies import DependencyError
from lib.jsii_runtime import NodeMissingError, require_node
from lib.settings import SettingsError
from lib.settings_loader import load_settings


def main() -> None:
    """Reads the settings, builds the stacks, writes Terraform JSON to ``cdktf.out``."""
    settings = load_settings(os.environ)
    require_node()
    # Imported here because these start Node: wrong settings are told at once.
    from cdktf import App

    from lib.policies import PolicyError, synthesize
    from lib.state.state_stack import StateStack
    from lib.tap_stack import TapStack

    app = App()
    # First, because stacks are checked and written one by one: what breaks a policy is here.
    TapStack(app, f"TapStack{settings.environment_suffix}", settings=settings)
    StateStack(app, f"StateStack{settings.environment_suffix}", settings=settings)
    try:
        synthesize(app)
    except PolicyError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    try:
        main()
    except (SettingsError, NodeMissingError, DependencyError) as error:
        sys.exit(str(error))
