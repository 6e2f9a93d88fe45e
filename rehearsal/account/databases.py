"""Creates what leads to the databases: replication, Aurora's names, poolers, DNS."""

from __future__ import annotations

import json
from typing import Any

from migration.clients import client
from rehearsal.account.places import Places
from rehearsal.account.pooler_tasks import PoolerTasks
from rehearsal.account.references import References
from rehearsal.synthesized import Arguments, Synthesized


def create_replication(synthesized: Synthesized, references: References) -> None:
    """The DMS instance, its endpoints and its tasks, ready to be started."""
    dms = client("dms")
    for address, declared in synthesized.each("aws_dms_replication_instance"):
        instance = dms.create_replication_instance(
            ReplicationInstanceIdentifier=declared["replication_instance_id"],
            ReplicationInstanceClass=declared["replication_instance_class"],
        )["ReplicationInstance"]
        references.note(address, replication_instance_arn=instance["ReplicationInstanceArn"])
    for address, declared in synthesized.each("aws_dms_endpoint"):
        endpoint = dms.create_endpoint(
            EndpointIdentifier=declared["endpoint_id"],
            EndpointType=declared["endpoint_type"],
            EngineName=declared["engine_name"],
            DatabaseName=declared["database_name"],
        )["Endpoint"]
        references.note(address, endpoint_arn=endpoint["EndpointArn"])
    for address, declared in synthesized.each("aws_dms_replication_task"):
        arn = _create_task(references.resolve(dict(declared)))
        references.note(address, replication_task_arn=arn)


def _create_task(declared: Arguments) -> str:
    made = client("dms").create_replication_task(
        ReplicationTaskIdentifier=declared["replication_task_id"],
        SourceEndpointArn=declared["source_endpoint_arn"],
        TargetEndpointArn=declared["target_endpoint_arn"],
        ReplicationInstanceArn=declared["replication_instance_arn"],
        MigrationType=declared["migration_type"],
        TableMappings=declared["table_mappings"],
        ReplicationTaskSettings=declared["replication_task_settings"],
    )
    arn: str = made["ReplicationTask"]["ReplicationTaskArn"]
    return arn


def name_aurora(synthesized: Synthesized, references: References) -> None:
    """The names of clusters: their servers are started by the rehearsal."""
    for address, declared in synthesized.each("aws_rds_cluster"):
        name = declared["cluster_identifier"]
        host = f"{name}.cluster-rehearsal.{synthesized.region}.rds.amazonaws.com"
        references.note(address, endpoint=host)


def create_poolers(synthesized: Synthesized, references: References, places: Places) -> PoolerTasks:
    """The cluster and the service, with a running task at each address of ``places``."""
    ecs = client("ecs")
    address, cluster = synthesized.only("aws_ecs_cluster")
    made = ecs.create_cluster(clusterName=cluster["name"])["cluster"]
    references.note(address, id=made["clusterArn"], arn=made["clusterArn"])
    _, task = synthesized.only("aws_ecs_task_definition")
    [container] = json.loads(task["container_definitions"])
    # Not in network mode "awsvpc", for which moto would make all of EC2: the tasks get their
    # interface from PoolerTasks.
    ecs.register_task_definition(
        family=task["family"],
        networkMode="host",
        containerDefinitions=[
            {"name": container["name"], "image": "pooler", "cpu": int(task["cpu"]),
             "memory": int(task["memory"])}
        ],
    )  # fmt: skip
    _, service = synthesized.only("aws_ecs_service")
    ecs.create_service(
        cluster=cluster["name"],
        serviceName=service["name"],
        taskDefinition=task["family"],
        desiredCount=service["desired_count"],
        launchType=service["launch_type"],
    )
    tasks = PoolerTasks(synthesized.region, cluster["name"], task["family"])
    for place in places.poolers:
        tasks.start(place, "RUNNING")
    return tasks


def create_zones(synthesized: Synthesized, references: References) -> None:
    """Every zone, and the records in them that lead to a name."""
    route53 = client("route53")
    for address, declared in synthesized.each("aws_route53_zone"):
        made = route53.create_hosted_zone(Name=declared["name"], CallerReference=address)
        zone_id = made["HostedZone"]["Id"].rpartition("/")[2]
        references.note(address, id=zone_id, zone_id=zone_id)
    for _, declared in synthesized.each("aws_route53_record"):
        if "records" in declared:
            _create_record(references.resolve(dict(declared)))


def _create_record(declared: dict[str, Any]) -> None:
    record = {
        "Name": declared["name"],
        "Type": declared["type"],
        "TTL": declared["ttl"],
        "ResourceRecords": [{"Value": value} for value in declared["records"]],
    }
    client("route53").change_resource_record_sets(
        HostedZoneId=declared["zone_id"],
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
    )
