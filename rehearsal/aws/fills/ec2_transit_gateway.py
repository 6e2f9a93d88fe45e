"""EC2, Transit Gateway.

Gaps closed:

- A gateway whose default association or propagation is off still got a default route table, and
  every attachment was associated with it; disassociating then failed with KeyError.
- An attachment's tags were read under the route table's key, so they were lost.
- A deleted attachment vanished at once, where AWS shows it as ``deleted`` for a while and
  Terraform waits for that.
- An attachment propagated to one route table at most.
- A route's attachments were one object where AWS answers a list.
"""

from __future__ import annotations

from typing import Any

import pytest
from moto.core.responses import ActionResult
from moto.ec2.exceptions import DuplicateTransitGatewayAttachmentError, InvalidTransitGatewayID
from moto.ec2.models.transit_gateway import TransitGateway
from moto.ec2.models.transit_gateway_attachments import (
    TransitGatewayAttachment,
    TransitGatewayAttachmentBackend,
    TransitGatewayVpcAttachment,
)
from moto.ec2.models.transit_gateway_route_tables import (
    TransitGatewayRelations,
    TransitGatewayRouteTableBackend,
)
from moto.ec2.responses.transit_gateway_attachments import (
    TransitGatewayAttachment as AttachmentResponse,
)


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    gateway_init = TransitGateway.__init__
    create_route = TransitGatewayRouteTableBackend.create_transit_gateway_route

    def init(self: Any, backend: Any, description: Any, options: Any = None) -> None:
        gateway_init(self, backend, description, options)
        _drop_unwanted_default_table(self)

    def route(self: Any, *args: Any, **kwargs: Any) -> Any:
        made: Any = create_route(self, *args, **kwargs)
        attachments = made.get("transitGatewayAttachments")
        if isinstance(attachments, dict):
            made["transitGatewayAttachments"] = [attachments]
        return made

    patch.setattr(TransitGateway, "__init__", init)
    patch.setattr(TransitGatewayAttachment, "association", property(_association))
    patch.setattr(AttachmentResponse, "create_transit_gateway_vpc_attachment", _answer_create)
    attachments = TransitGatewayAttachmentBackend
    patch.setattr(attachments, "create_transit_gateway_vpc_attachment", _create_attachment)
    patch.setattr(attachments, "delete_transit_gateway_vpc_attachment", _delete_attachment)
    tables = TransitGatewayRouteTableBackend
    patch.setattr(tables, "create_transit_gateway_route", route)
    patch.setattr(tables, "disassociate_transit_gateway_route_table", _disassociate)
    patch.setattr(tables, "disable_transit_gateway_route_table_propagation", _disable_propagation)


def _drop_unwanted_default_table(gateway: Any) -> None:
    associates = gateway.options["DefaultRouteTableAssociation"] == "enable"
    propagates = gateway.options["DefaultRouteTablePropagation"] == "enable"
    table = gateway.default_route_table
    table.default_association_route_table = associates
    table.default_propagation_route_table = propagates
    if not associates:
        del gateway.options["AssociationDefaultRouteTableId"]
        gateway.default_route_table = None
    if not propagates:
        del gateway.options["PropagationDefaultRouteTableId"]
    if not associates and not propagates:
        del gateway.ec2_backend.transit_gateways_route_tables[table.id]


def _association(self: Any) -> dict[str, str] | None:
    held = self._association_data
    if not held:
        return None
    return {
        "State": held["state"],
        "TransitGatewayRouteTableId": held["transitGatewayRouteTableId"],
    }


def _answer_create(self: Any) -> ActionResult:
    made = self.ec2_backend.create_transit_gateway_vpc_attachment(
        transit_gateway_id=self._get_param("TransitGatewayId"),
        tags=self._parse_tag_specification().get("transit-gateway-attachment", {}),
        vpc_id=self._get_param("VpcId"),
        subnet_ids=self._get_param("SubnetIds", []),
        options=self._get_param("Options", {}),
    )
    return ActionResult({"TransitGatewayVpcAttachment": made})


def _create_attachment(
    self: Any,
    transit_gateway_id: str,
    vpc_id: str,
    subnet_ids: list[str],
    tags: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
) -> TransitGatewayVpcAttachment:
    gateway = self.transit_gateways.get(transit_gateway_id)
    if gateway is None:
        message = f"Transit Gateway {transit_gateway_id} was deleted or does not exist."
        raise InvalidTransitGatewayID(transit_gateway_id, message)
    same = {
        "transit-gateway-id": [transit_gateway_id],
        "vpc-id": [vpc_id],
        "state": ["available"],
    }
    if self.describe_transit_gateway_vpc_attachments(filters=same):
        raise DuplicateTransitGatewayAttachmentError(transit_gateway_id)
    made = TransitGatewayVpcAttachment(self, gateway, vpc_id, subnet_ids, tags, options)
    self.transit_gateway_attachments[made.id] = made
    if gateway.default_route_table is not None:
        self.associate_transit_gateway_route_table(made.id, gateway.default_route_table.id)
    return made


def _delete_attachment(self: Any, transit_gateway_attachment_id: str) -> TransitGatewayAttachment:
    gone: TransitGatewayAttachment = self.transit_gateway_attachments[transit_gateway_attachment_id]
    gone.state = "deleted"
    gone._association_data = {}
    for table in self.transit_gateways_route_tables.values():
        table.route_table_associations.pop(gone.id, None)
        table.route_table_propagation = [
            one
            for one in table.route_table_propagation
            if one.transitGatewayAttachmentId != gone.id
        ]
    return gone


def _disassociate(self: Any, tgw_attach_id: str, tgw_rt_id: str) -> TransitGatewayRelations:
    ended: TransitGatewayRelations = self.transit_gateway_associations.pop(tgw_attach_id)
    ended.state = "disassociated"
    table = self.transit_gateways_route_tables[tgw_rt_id]
    table.route_table_associations.pop(tgw_attach_id, None)
    self.unset_attachment_association(tgw_attach_id)
    return ended


def _disable_propagation(
    self: Any, transit_gateway_attachment_id: str, transit_gateway_route_table_id: str
) -> TransitGatewayRelations:
    self.disable_route_table_propagation(
        transit_gateway_attachment_id, transit_gateway_route_table_id
    )
    return TransitGatewayRelations(
        self, transit_gateway_attachment_id, transit_gateway_route_table_id, state="disabled"
    )
