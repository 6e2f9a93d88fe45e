"""``python -m rehearsal``, which ``pipenv run rehearse`` is."""

import sys

from rehearsal.command import main

sys.exit(main(sys.argv[1:]))
