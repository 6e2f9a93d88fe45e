"""The Lambda service's data plane: runs the zips that would be deployed.

Its parts, from outside to inside: ``runtime`` (what is deployed, which container serves a call),
``sandbox`` (a container as the service sees it), ``forks`` (how containers are made), and in child
processes ``fork_server``, ``container``, ``time_inside``.

What it has in common with AWS is shown by tests/integration/rehearsal/lambda_runtime; what differs
is listed in docs/rehearsal.md, "Lambda".
"""
