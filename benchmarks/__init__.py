"""Ratios against peers, and the cutover's write pause; one command each.

``lib/lambda`` is the root of the Lambda code's own imports: importing ``scripts`` sees to it.
"""

import scripts  # noqa: F401
