"""The application under way: clients of several roles that pay through the pooler and the API.

A process of its own (``python -m rehearsal.workload``), which writes down every request and every
answer (:mod:`rehearsal.ledger_writer`). It does what a careful application does: each request has
a key by which it is repeated when the answer was lost, and no connection is trusted to last.

What differs from a real application, and from API Gateway before it:

- Each row belongs to one client at a time, so that the ledger knows in which order it was changed.
- A row is left alone for good once the outcome of a request on it was in doubt: what was lost on
  the way may arrive late.
- API Gateway is a thread that calls the authorizer's function through the Lambda stand-in and asks
  for the stage five times a second; on AWS a change of the stage takes as long to be everywhere.
- A token whose age the rehearsal's clock jumped over is minted again.
"""
