"""The whole migration on one machine, under live traffic.

Only the standard library is imported here; the Lambda code's own imports are found as in AWS.
"""

import scripts as scripts
