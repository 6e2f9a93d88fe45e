"""The Lambda layer that carries what the handlers import."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.lambda_layer_version import LambdaLayerVersion
from constructs import Construct

from lib.environment import Environment
from lib.functions.asset import write_asset
from lib.functions.dependencies import dependency_bundle
from lib.functions.runtime import ARCHITECTURE, RUNTIME


class DependencyLayer(Construct):
    """pg8000, AWS Lambda Powertools and what they require, as locked."""

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id)
        bundle = dependency_bundle()
        self.arn = LambdaLayerVersion(
            self,
            "Version",
            layer_name=environment.naming.name("migration-dependencies"),
            description="pg8000 and AWS Lambda Powertools, from Pipfile.lock",
            filename=write_asset(self, bundle),
            source_code_hash=bundle.hash,
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
        ).arn
