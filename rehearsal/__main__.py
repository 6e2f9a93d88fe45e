"""``python -m rehearsal``, which ``pipenv run rehearse`` is."""

import sys

import scripts as scripts  # which has the Lambda code's own imports found, as in AWS
from rehearsal.command import main

sys.exit(main(sys.argv[1:]))
