"""The Lambda service's data plane: runs the zips that would be deployed.

Its parts, from outside to inside: ``runtime`` (what is deployed, which container serves a call),
``sandbox`` (a container as the service sees it), ``forks`` (how containers are made), and in child
processes ``fork_server``, ``container``, ``time_inside``.

What it has in common with AWS is shown by tests/integration/rehearsal/lambda_runtime. The
differences (those of time in its test_time.py, of files and environment in test_code.py and
test_environment.py):

- substituted time: ``migration.clock.now``, ``monotonic`` and ``sleep``, and ``time.time``, are the
  rehearsal's. A sleep of a second or more skips; those that overlap in real time skip together.
  Nothing else is replaced.
- own time limit: a function's time is what it really took and what it slept itself; what others
  skip meanwhile does not count.
- this Python: it runs on this machine's Python, processor and boto3, not on Lambda's.
- files: code runs in a folder of this machine, as this user; memory, /tmp, payload sizes and
  reserved concurrency have no limits, and nothing is read-only.
- warm for ever: an idle container lives until its function changes, is killed, or the end.
- shared start: containers of the same code share what importing the dependencies gave, and the
  seed of Python's string hashes. Ctrl-C is for the rehearsal alone.
- AWS files: the developer's ``~/.aws`` is hidden by AWS_CONFIG_FILE and
  AWS_SHARED_CREDENTIALS_FILE, which name nothing; Lambda has no such files.
- no extras: no X-Ray trace, no extensions, no START, END and REPORT lines in the log.
"""
