"""API Gateway's TOKEN authorizer: may this request call the payment API?

What the caller gets, and how API Gateway is told
(https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
and ".../apigateway-use-lambda-authorizer.html"):

- allowed: an Allow policy for the API and stage that was called, nothing wider, and the API key
  by which the usage plan counts the request (``usageIdentifierKey``).
- 401, malformed token: an error whose message is exactly "Unauthorized".
- 403, a well-formed token that is refused: a Deny policy for the same resource.
- 500, the keys cannot be had, or the function is set up wrong: any other error. Not a Deny: the
  token was not judged, a 403 tells an honest client to give up where a retry would succeed, and
  a 5xx is what the alarms watch. An error carries no policy, so it can never allow.

The log has the reason and the key id, never the token, its signature or a key.
"""

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from migration import clients
from migration.bearer_token import Limits, MalformedTokenError, parse, refusal
from migration.key_store import KeyStore, KeyStoreError

logger = Logger()

# arn:{partition}:execute-api:{region}:{account}:{api}/{stage}/{verb}/{path}. No character that
# IAM reads as a wildcard, so the policy cannot become wider than the stage.
_STAGE_ARN = re.compile(
    r"(arn:aws[a-z-]*:execute-api:[a-z0-9-]+:[0-9]{12}:[a-z0-9]+/[A-Za-z0-9_-]+)/.*", re.DOTALL
)


@dataclass(frozen=True)
class Authorizer:
    """Judges one request at a time; ``clock`` gives seconds since 1970.

    ``metering_key``: the API key that allowed requests are counted by, where the API has one.
    """

    keys: KeyStore
    limits: Limits
    clock: Callable[[], float]
    metering_key: str | None = None

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        """The policy for a TOKEN authorizer event.

        Raises:
            Exception: "Unauthorized", the token is malformed.
            KeyStoreError: there are no keys to judge by.
            ValueError: the event has no usable ``methodArn``.
        """
        resource = _resource(event.get("methodArn"))
        try:
            token = parse(event.get("authorizationToken"))
        except MalformedTokenError:
            logger.warning("token malformed", reason="malformed")
            raise Exception("Unauthorized") from None
        try:
            key = self.keys.find(token.key_id)
        except KeyStoreError as problem:
            logger.error(str(problem), reason=problem.reason, key_id=token.key_id)
            raise
        refused = refusal(token, key, self.clock(), self.limits)
        if refused:
            logger.warning("token refused", reason=refused.value, key_id=token.key_id)
            return _policy(token.key_id, "Deny", resource)
        logger.info("token accepted", reason="accepted", key_id=token.key_id)
        counted_by = {"usageIdentifierKey": self.metering_key} if self.metering_key else {}
        return _policy(token.key_id, "Allow", resource) | counted_by


# log_event=False outranks POWERTOOLS_LOGGER_LOG_EVENT, which would put the token in the log.
@logger.inject_lambda_context(log_event=False)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point; see ``Authorizer.answer``."""
    return authorizer().answer(event)


@cache
def authorizer() -> Authorizer:
    """The authorizer that the function's environment describes; made once, it keeps the keys.

    Raises:
        ValueError: a variable is absent or not a whole number of seconds.
    """
    parameter = os.environ.get("API_SECRET_PARAMETER", "")
    if not parameter:
        raise ValueError("API_SECRET_PARAMETER must name the SSM parameter that holds the API keys")
    limits = Limits(
        max_age=_seconds("TOKEN_MAX_AGE_SECONDS", minimum=1),
        clock_skew=_seconds("CLOCK_SKEW_SECONDS", minimum=0),
    )
    ttl = _seconds("KEY_CACHE_SECONDS", minimum=1)
    return Authorizer(
        KeyStore(clients.client("ssm"), parameter, ttl, time.time),
        limits,
        time.time,
        os.environ.get("METERING_KEY"),
    )


def _seconds(variable: str, minimum: int) -> int:
    text = os.environ.get(variable, "")
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < minimum:
        raise ValueError(
            f"{variable} is {text!r} and must be whole seconds, {minimum} or more: "
            "set it on the function"
        )
    return int(text)


def _resource(method_arn: object) -> str:
    """Every method of the API and stage that was called: ``…:{api}/{stage}/*``."""
    match = _STAGE_ARN.fullmatch(method_arn) if isinstance(method_arn, str) else None
    if match is None:
        raise ValueError(
            f"methodArn is {method_arn!r}; API Gateway sends "
            "arn:aws:execute-api:{region}:{account}:{api}/{stage}/{verb}/{path}"
        )
    return f"{match[1]}/*"


def _policy(principal: str, effect: str, resource: str) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }
