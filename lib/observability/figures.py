"""Names of the metrics that are taken from logs (``metric_filters``) and watched (``watches``)."""

DENIALS = "AuthorizerDenials"
VERDICTS = "ValidationsNotMatched"
RETAINED_WAL = "SourceSlotRetainedBytes"
LOGGED_ERRORS = "LoggedErrors"
CANARY_ERRORS = "CanaryServerErrors"
# Read by lib/lambda/migration/traffic.py, which no stack imports; a test holds the two together.
CANARY_REQUESTS = "CanaryRequests"
STAGE_REQUESTS = "StageRequests"
