"""Planted bugs: who may reach what, and whose it is."""

from __future__ import annotations

from tests.unit.policies.planting import (
    ABSENT,
    BUCKET,
    PUBLIC_SUBNET,
    VALIDATOR,
    WRITE,
    Planted,
    add,
    allow,
    at,
    without_tags,
)
from tests.unit.policies.policy_text import policy

ACCESS: tuple[Planted, ...] = (
    # --- exposure ----------------------------------------------------------------------------
    Planted(
        "no-public-address",
        "aws_rds_cluster_instance.Writer",
        at("aws_rds_cluster_instance.Writer.publicly_accessible", True),
    ),
    Planted(
        "no-public-address",
        "aws_dms_replication_instance.Dms",
        at("aws_dms_replication_instance.Dms.publicly_accessible", ABSENT),
    ),
    Planted(
        "private-subnets",
        "aws_db_subnet_group.Subnets",
        at("aws_db_subnet_group.Subnets.subnet_ids", PUBLIC_SUBNET),
    ),
    Planted("private-subnets", VALIDATOR, at(f"{VALIDATOR}.vpc_config.subnet_ids", PUBLIC_SUBNET)),
    Planted(
        "private-subnets",
        "aws_dms_replication_subnet_group.Planted",
        add("aws_dms_replication_subnet_group", {"subnet_ids": PUBLIC_SUBNET}),
    ),
    Planted(
        "no-public-bucket",
        BUCKET,
        at("aws_s3_bucket_public_access_block.Block.block_public_policy", False),
    ),
    *(
        Planted("no-open-ingress", f"{type}.Planted", add(type, attributes))
        for type, attributes in (
            ("aws_vpc_security_group_ingress_rule", {"cidr_ipv4": "0.0.0.0/0"}),
            ("aws_vpc_security_group_ingress_rule", {"cidr_ipv6": "::/0"}),
            ("aws_security_group_rule", {"type": "ingress", "cidr_blocks": ["0.0.0.0/0"]}),
            ("aws_security_group", {"ingress": [{"cidr_blocks": ["10.0.0.0/8", "0.0.0.0/0"]}]}),
        )
    ),
    # --- permissions -------------------------------------------------------------------------
    Planted("no-double-wildcard", WRITE, allow(Action="*", Resource="*")),
    Planted("no-double-wildcard", WRITE, allow(Action=["s3:Get*"], Resource=["*"])),
    Planted("no-double-wildcard", WRITE, allow(Action="s3:*", Resource="arn:aws:s3:::*")),
    Planted("no-double-wildcard", WRITE, allow(NotAction="iam:*", Resource="arn:aws:s3:::b")),
    Planted(
        "no-double-wildcard",
        "aws_vpc_endpoint.Planted",
        add(
            "aws_vpc_endpoint",
            {"policy": policy(Effect="Allow", Principal={"AWS": "me"}, Action="*", Resource="*")},
        ),
    ),
    Planted(
        "no-public-principal",
        "aws_sns_topic_policy.Planted",
        add(
            "aws_sns_topic_policy",
            {"policy": policy(Effect="Allow", Principal={"AWS": "*"}, Action="sns:Publish")},
        ),
    ),
    Planted(
        "no-broad-managed-policy",
        "aws_iam_role_policy_attachment.DmsVpc",
        at(
            "aws_iam_role_policy_attachment.DmsVpc.policy_arn",
            "arn:aws:iam::aws:policy/AmazonS3FullAccess",
        ),
    ),
    Planted(
        "no-broad-managed-policy",
        "aws_iam_role.Role",
        at("aws_iam_role.Role.managed_policy_arns", ["arn:aws:iam::aws:policy/PowerUserAccess"]),
    ),
    Planted(
        "readable-policy",
        WRITE,
        at(f"{WRITE}.policy", "${data.aws_iam_policy_document.Hidden.json}"),
    ),
    # --- names and tags ----------------------------------------------------------------------
    Planted("name-suffix", "aws_sns_topic.Topic", at("aws_sns_topic.Topic.name", "notifications")),
    Planted("name-suffix", "aws_vpc.Vpc", at("aws_vpc.Vpc.tags.Name", "migration-vpc-development")),
    Planted("name-suffix", "aws_iam_role.DmsVpc", at("aws_iam_role.DmsVpc.name", "dms-role")),
    Planted("cost-tags", "provider.aws.replica", without_tags),
    Planted("cost-tags", "aws_vpc.Vpc", at("aws_vpc.Vpc.tags.Owner", "somebody")),
)
