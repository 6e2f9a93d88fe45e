"""The data validator as a local command: ``pipenv run validate --source DSN --target DSN``.

Compares every row of two PostgreSQL databases with the functions that run in AWS. Reads only;
with ``--watermark`` it also writes one row at a time into ``migration_control.marker`` of the
source. The users of both DSNs need CONNECT, USAGE on the schemas and SELECT on the tables.

Exit codes: 0 match, 1 mismatch, 2 inconclusive, 3 could not run, 130 interrupted.

A DSN is a URL, ``postgresql://user:password@host:5432/database?sslmode=require``, or libpq's
``host=… port=… dbname=… user=…``. A command line is visible to every user of the machine: leave
the password out of it and set PGPASSWORD, or keep it in ~/.pgpass.
"""
