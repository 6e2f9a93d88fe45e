"""What the tests with real servers share: two databases, and a stage for whole executions."""

from tests.support.compared import opened, paid
from tests.support.pair import pair, payments, shop
from tests.support.postgres import source_server, target_server
from tests.support.workflow_stage import aws, databases, stage, synthesized

__all__ = [
    "aws",
    "databases",
    "opened",
    "paid",
    "pair",
    "payments",
    "shop",
    "source_server",
    "stage",
    "synthesized",
    "target_server",
]
