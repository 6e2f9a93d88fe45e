"""The evidence pack: what a rehearsal was made from, did and came to, checkable offline.

A zip with the synthesized JSON, the digests of the bundles, the record, and other documents, and a
chain over them all (:mod:`rehearsal.evidence.chain`), from the digest of the synthesized JSON to
the result. Its last digest, the head, is printed and in the report: who knows it cannot be given
another pack.
"""

from rehearsal.evidence.packing import SecretFound, pack
from rehearsal.evidence.verification import verify

__all__ = ["SecretFound", "pack", "verify"]
