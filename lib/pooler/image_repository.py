"""Where the pooler's image is kept."""

from __future__ import annotations

import json

from cdktf_cdktf_provider_aws.ecr_lifecycle_policy import EcrLifecyclePolicy
from cdktf_cdktf_provider_aws.ecr_repository import (
    EcrRepository,
    EcrRepositoryEncryptionConfiguration,
    EcrRepositoryImageScanningConfiguration,
)
from constructs import Construct

from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.pooler.image_tag import image_tag

NAME = "pooler"
# A deployment that fails goes back to the one before; ten leave room for many.
IMAGES_KEPT = 10


class ImageRepository(Construct):
    """An ECR repository whose tags never change their meaning."""

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id)
        name = environment.naming.name(NAME)
        repository = EcrRepository(
            self,
            "Repository",
            name=name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=EcrRepositoryImageScanningConfiguration(scan_on_push=True),
            # Without a key of the account this is AWS's own KMS key for ECR.
            encryption_configuration=[
                EcrRepositoryEncryptionConfiguration(
                    encryption_type="KMS", kms_key=environment.key.arn
                )
            ],
            force_delete=not environment.settings.protect,
            tags={"Name": name},
        )
        EcrLifecyclePolicy(
            self,
            "Lifecycle",
            repository=repository.name,
            policy=json.dumps({"rules": [_keep_newest(IMAGES_KEPT)]}),
        )
        self.arn = repository.arn
        self.url = repository.repository_url
        self.image = f"{self.url}:{image_tag()}"
        """The image of what lib/pooler/image holds now; ``make image`` pushes it."""

    def grant_pull(self, role: ServiceRole) -> None:
        """Lets ``role`` pull images.

        Source: ECS developer guide, "Amazon ECS task execution IAM role".
        """
        role.grant(
            "PullImage",
            actions=[
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            resources=[self.arn],
        )
        role.grant(
            "LogInToRegistry",
            actions=["ecr:GetAuthorizationToken"],
            # The action knows no resources (service authorization reference, ECR).
            resources=["*"],
        )


def _keep_newest(count: int) -> dict[str, object]:
    return {
        "rulePriority": 1,
        "description": f"Keep the newest {count} images",
        "selection": {
            "tagStatus": "any",
            "countType": "imageCountMoreThan",
            "countNumber": count,
        },
        "action": {"type": "expire"},
    }
