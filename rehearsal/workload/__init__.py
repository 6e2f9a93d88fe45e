"""The application under way: clients of several roles that pay through the pooler and the API.

A process of its own (``python -m rehearsal.workload``), which writes down every request and every
answer (:mod:`rehearsal.ledger_writer`). It does what a careful application does: each request has
a key by which it is repeated when the answer was lost, and no connection is trusted to last.

What differs from a real application, and from API Gateway before it, is listed in
docs/rehearsal.md, "API Gateway and the application".
"""
