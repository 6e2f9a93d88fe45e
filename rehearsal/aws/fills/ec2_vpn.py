"""EC2, site-to-site VPN.

Gap closed: the options of a VPN connection were dropped, so a second plan wanted to set them
again. They are answered as they were given, with AWS's defaults for what was left out, and the
secret that holds the tunnels' keys where the request puts them in Secrets Manager. The keys are
then REDACTED in every answer, by which the provider knows (terraform-provider-aws 42819).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from moto.core.responses import ActionResult
from moto.ec2.models.vpn_connections import VPNConnection
from moto.ec2.responses.vpn_connections import VPNConnections
from moto.secretsmanager.models import secretsmanager_backends

# EC2 API reference, VpnConnectionOptions and TunnelOption.
_DEFAULTS: dict[str, Any] = {
    "EnableAcceleration": False,
    "StaticRoutesOnly": False,
    "LocalIpv4NetworkCidr": "0.0.0.0/0",
    "RemoteIpv4NetworkCidr": "0.0.0.0/0",
    "OutsideIpAddressType": "PublicIpv4",
    "TunnelInsideIpVersion": "ipv4",
}
_KEY = re.compile("(?<=<pre_shared_key>)[^<]*")
_TUNNEL_DEFAULTS: tuple[dict[str, Any], ...] = (
    {"OutsideIpAddress": "52.2.144.13", "TunnelInsideCidr": "169.254.44.40/30"},
    {"OutsideIpAddress": "52.2.144.14", "TunnelInsideCidr": "169.254.45.40/30"},
)
# Three names differ between VpnTunnelOptionsSpecification and TunnelOption.
_ANSWERED_AS = {
    "IKEVersions": "IkeVersions",
    "DPDTimeoutAction": "DpdTimeoutAction",
    "DPDTimeoutSeconds": "DpdTimeoutSeconds",
}


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    create = VPNConnections.create_vpn_connection
    delete = VPNConnections.delete_vpn_connection
    configuration: Callable[[Any], str] = vars(VPNConnection)["customer_gateway_configuration"].fget

    def create_with_options(self: Any) -> ActionResult:
        answer = create(self)
        result: Any = answer.result
        connection = result["VpnConnection"]
        connection.options = _options(self._get_param("Options", {}))
        if self._get_param("PreSharedKeyStorage") == "SecretsManager":
            connection.pre_shared_key_arn = _keys_secret(self.ec2_backend, connection.id)
            for tunnel in connection.options["TunnelOptions"]:
                tunnel["PreSharedKey"] = "REDACTED"
        return answer

    def redacted_configuration(self: Any) -> str:
        text = configuration(self)
        return _KEY.sub("REDACTED", text) if hasattr(self, "pre_shared_key_arn") else text

    def delete_with_keys(self: Any) -> ActionResult:
        connection = self.ec2_backend.vpn_connections.get(self._get_param("VpnConnectionId"))
        if connection is not None and getattr(connection, "pre_shared_key_arn", None):
            _secrets(self.ec2_backend).delete_secret(
                connection.pre_shared_key_arn, None, force_delete_without_recovery=True
            )
        return delete(self)

    patch.setattr(VPNConnection, "customer_gateway_configuration", property(redacted_configuration))
    patch.setattr(VPNConnections, "create_vpn_connection", create_with_options)
    patch.setattr(VPNConnections, "delete_vpn_connection", delete_with_keys)


def _options(given: dict[str, Any]) -> dict[str, Any]:
    tunnels = given.get("TunnelOptions") or [{}, {}]
    return {
        **_DEFAULTS,
        **given,
        "TunnelOptions": [
            default | _as_answered(tunnel)
            for default, tunnel in zip(_TUNNEL_DEFAULTS, tunnels, strict=True)
        ],
    }


def _as_answered(tunnel: dict[str, Any]) -> dict[str, Any]:
    """What was left empty is not answered."""
    return {
        _ANSWERED_AS.get(name, name): value
        for name, value in tunnel.items()
        if value not in (None, [], {})
    }


def _secrets(backend: Any) -> Any:
    return secretsmanager_backends[backend.account_id][backend.region_name]


def _keys_secret(backend: Any, connection_id: str) -> str:
    secret = _secrets(backend).create_managed_secret(
        service_name="s2svpn", secret_id=f"s2svpn!{connection_id}", secret_string=uuid4().hex
    )
    return str(secret.arn)
