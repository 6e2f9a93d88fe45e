"""``python -m scripts.migration``, which ``pipenv run migration`` is."""

import sys

from scripts.migration.command import main

main(sys.argv[1:])
