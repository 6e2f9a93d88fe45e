"""``python -m scripts.validate``, which ``pipenv run validate`` is."""

import sys

from scripts.validate.command import main

sys.exit(main(sys.argv[1:]))
