"""Notes the names of what exists in name only: the account, functions, roles, the balancer."""

from __future__ import annotations

from rehearsal.account.references import References
from rehearsal.aws.server import ACCOUNT_ID
from rehearsal.synthesized import Synthesized

_PARTITION = "aws"


def note_identities(synthesized: Synthesized, references: References) -> None:
    """Nothing is created: the runtime has the functions, and nothing looks at the others."""
    region = synthesized.region
    for type, found in synthesized.stack.content.get("data", {}).items():
        for name in found:
            references.note(f"data.{type}.{name}", account_id=ACCOUNT_ID, partition=_PARTITION)
    for address, declared in synthesized.each("aws_lambda_function"):
        arn = f"arn:aws:lambda:{region}:{ACCOUNT_ID}:function:{declared['function_name']}"
        path = f"path/2015-03-31/functions/{arn}/invocations"
        references.note(address, arn=arn, invoke_arn=f"arn:aws:apigateway:{region}:lambda:{path}")
    for address, declared in synthesized.each("aws_iam_role"):
        references.note(address, arn=f"arn:aws:iam::{ACCOUNT_ID}:role/{declared['name']}")
    for address, declared in synthesized.each("aws_lb"):
        references.note(address, arn_suffix=f"net/{declared['name']}/0000000000000000")
    for address, declared in synthesized.each("aws_lb_target_group"):
        references.note(address, arn_suffix=f"targetgroup/{declared['name']}/0000000000000000")
