"""Synthesizes the stacks of the environment that ``ENVIRONMENT`` names (default ``dev``)."""

from __future__ import annotations

import os
import sys

from lib.jsii_runtime import NodeMissingError, require_node
from lib.settings import SettingsError
from lib.settings_loader import load_settings


def main() -> None:
    """Reads the settings, builds the stacks, writes Terraform JSON to ``cdktf.out``."""
    settings = load_settings(os.environ)
    require_node()
    # Imported here because these start Node: wrong settings are told at once.
    from cdktf import App

    from lib.state.state_stack import StateStack
    from lib.tap_stack import TapStack

    app = App()
    StateStack(app, f"StateStack{settings.environment_suffix}", settings=settings)
    TapStack(app, f"TapStack{settings.environment_suffix}", settings=settings)
    app.synth()


if __name__ == "__main__":
    try:
        main()
    except (SettingsError, NodeMissingError) as error:
        sys.exit(str(error))
