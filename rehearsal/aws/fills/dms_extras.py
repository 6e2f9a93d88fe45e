"""DMS: certificates, event subscriptions and changes of tags, all of which moto lacks."""

from __future__ import annotations

from typing import Any

import pytest
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.dms.exceptions import ResourceAlreadyExistsFault, ResourceNotFoundFault
from moto.dms.models import DatabaseMigrationServiceBackend
from moto.dms.responses import DatabaseMigrationServiceResponse


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    init = DatabaseMigrationServiceBackend.__init__

    def init_more(self: Any, region_name: str, account_id: str) -> None:
        init(self, region_name, account_id)
        self.certificates = {}
        self.event_subscriptions = {}

    patch.setattr(DatabaseMigrationServiceBackend, "__init__", init_more)
    for action in (
        import_certificate,
        describe_certificates,
        delete_certificate,
        create_event_subscription,
        describe_event_subscriptions,
        delete_event_subscription,
        add_tags_to_resource,
        remove_tags_from_resource,
    ):
        patch.setattr(DatabaseMigrationServiceResponse, action.__name__, action, raising=False)


def _arn(backend: Any, kind: str, name: str) -> str:
    return f"arn:{backend.partition}:dms:{backend.region_name}:{backend.account_id}:{kind}:{name}"


def import_certificate(self: Any) -> ActionResult:
    """ImportCertificate."""
    backend, name = self.dms_backend, self._get_param("CertificateIdentifier")
    arn = _arn(backend, "cert", name)
    if arn in backend.certificates:
        raise ResourceAlreadyExistsFault(f"The certificate {name} already exists.")
    backend.certificates[arn] = {
        "CertificateIdentifier": name,
        "CertificateArn": arn,
        "CertificateOwner": backend.account_id,
        "CertificateCreationDate": utcnow(),
        "CertificatePem": self._get_param("CertificatePem"),
        "KmsKeyId": self._get_param("KmsKeyId"),
    }
    backend.tagger.tag_resource(arn, self._get_param("Tags") or [])
    return ActionResult({"Certificate": backend.certificates[arn]})


def describe_certificates(self: Any) -> ActionResult:
    """DescribeCertificates, with its two filters."""
    attributes = {"certificate-arn": "CertificateArn", "certificate-id": "CertificateIdentifier"}
    found = list(self.dms_backend.certificates.values())
    for one in self._get_param("Filters") or []:
        found = [cert for cert in found if cert[attributes[one["Name"]]] in one["Values"]]
    return ActionResult({"Certificates": found})


def delete_certificate(self: Any) -> ActionResult:
    """DeleteCertificate; refused, as by AWS, while an endpoint uses it."""
    backend, arn = self.dms_backend, self._get_param("CertificateArn")
    if any(endpoint.certificate_arn == arn for endpoint in backend.endpoints.values()):
        raise ResourceNotFoundFault(f"The certificate {arn} is used by an endpoint.")
    if arn not in backend.certificates:
        raise ResourceNotFoundFault(f"The certificate {arn} could not be found.")
    return ActionResult({"Certificate": backend.certificates.pop(arn)})


def create_event_subscription(self: Any) -> ActionResult:
    """CreateEventSubscription."""
    backend, name = self.dms_backend, self._get_param("SubscriptionName")
    if name in backend.event_subscriptions:
        raise ResourceAlreadyExistsFault(f"The subscription {name} already exists.")
    backend.event_subscriptions[name] = {
        "CustomerAwsId": backend.account_id,
        "CustSubscriptionId": name,
        "SnsTopicArn": self._get_param("SnsTopicArn"),
        "Status": "active",
        "SubscriptionCreationTime": utcnow().isoformat(),
        "SourceType": self._get_param("SourceType"),
        "SourceIdsList": self._get_param("SourceIds") or [],
        "EventCategoriesList": self._get_param("EventCategories") or [],
        "Enabled": self._get_param("Enabled", True),
    }
    backend.tagger.tag_resource(_arn(backend, "es", name), self._get_param("Tags") or [])
    return ActionResult({"EventSubscription": backend.event_subscriptions[name]})


def describe_event_subscriptions(self: Any) -> ActionResult:
    """DescribeEventSubscriptions."""
    subscriptions, name = self.dms_backend.event_subscriptions, self._get_param("SubscriptionName")
    if name is not None and name not in subscriptions:
        raise ResourceNotFoundFault(f"The subscription {name} could not be found.")
    found = list(subscriptions.values()) if name is None else [subscriptions[name]]
    return ActionResult({"EventSubscriptionsList": found})


def delete_event_subscription(self: Any) -> ActionResult:
    """DeleteEventSubscription."""
    subscriptions, name = self.dms_backend.event_subscriptions, self._get_param("SubscriptionName")
    if name not in subscriptions:
        raise ResourceNotFoundFault(f"The subscription {name} could not be found.")
    return ActionResult({"EventSubscription": subscriptions.pop(name)})


def add_tags_to_resource(self: Any) -> ActionResult:
    """AddTagsToResource."""
    self.dms_backend.tagger.tag_resource(self._get_param("ResourceArn"), self._get_param("Tags"))
    return ActionResult({})


def remove_tags_from_resource(self: Any) -> ActionResult:
    """RemoveTagsFromResource."""
    self.dms_backend.untag_resource(self._get_param("ResourceArn"), self._get_param("TagKeys"))
    return ActionResult({})
