"""The line between a key and a long name."""

from __future__ import annotations

import base64
import random

import pytest

from lib.policies.secrets import looks_random


@pytest.mark.parametrize("size", [24, 32, 48, 64])
def test_random_keys_are_recognised(size: int) -> None:
    source = random.Random(20_261_121)  # noqa: S311 - repeatable text, no secret
    keys = [base64.b64encode(source.randbytes(size)).decode() for _ in range(500)]

    assert sum(map(looks_random, keys)) >= 495


@pytest.mark.parametrize(
    "name",
    [
        "MigrationOrchestrationFunctionReplicationHandler1",
        "aurora-cluster-dev-production-private-subnet-us-east-1a",
        "CheckpointBucketServerSideEncryption2",
        "AWSManagedRulesAmazonIpReputationList0",
        "service-role/AmazonDMSCloudWatchLogsRole123456",
        "projects/main/cdktf-out/stacks/TapStackdev/assets/Layer9F8E7D",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "SHORT1key",
    ],
)
def test_names_paths_and_digests_are_not(name: str) -> None:
    assert not looks_random(name)
