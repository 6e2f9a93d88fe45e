"""An AWS account that lives in this process for as long as a ``with`` block."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from rehearsal.aws.fills import install_all
from rehearsal.aws.gateway import Gateway

ACCOUNT_ID = "123456789012"
"""moto's account for callers without credentials of their own."""


class _QuietHandler(MotoRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """A run makes some ten thousand requests; pytest need not keep a line of each."""


class SimulatedAws:
    """moto's server on a free port of 127.0.0.1, empty at the start, with the fills installed.

    The server runs in this process so that the fills, which are patches, apply; leaving the block
    removes them and stops the server. ``managed_policies``: whether AWS's managed policies exist,
    which takes moto a quarter of a second after each reset.
    """

    def __init__(self, *, managed_policies: bool = True) -> None:
        self._managed_policies = managed_policies
        self._patch = pytest.MonkeyPatch()
        self._gateway = Gateway(DomainDispatcherApplication(create_backend_app))
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self._session = boto3.Session("simulated", "simulated")
        self._clients: dict[tuple[str, str], Any] = {}

    def __enter__(self) -> SimulatedAws:
        # AWS's managed policies (AmazonDMSVPCManagementRole) exist in every account.
        wanted = str(self._managed_policies).lower()
        self._patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", wanted)
        install_all(self._patch)
        BackendDict.reset()
        reset_model_data()
        self._server = make_server(
            "127.0.0.1", 0, self._gateway, threaded=True, request_handler=_QuietHandler
        )
        # moto's Lambda and Step Functions call back over this port.
        self._patch.setenv("MOTO_PORT", str(self._server.server_port))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server and self._thread:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
        BackendDict.reset()
        reset_model_data()
        self._patch.undo()

    @property
    def endpoint(self) -> str:
        """``http://127.0.0.1:port``; only inside the block."""
        if self._server is None:
            raise RuntimeError("SimulatedAws has no endpoint outside its 'with' block")
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def unimplemented(self) -> list[str]:
        """Every call moto had no answer for; a proof is sound only while it is empty."""
        return self._gateway.unimplemented

    @property
    def crashed(self) -> list[str]:
        """Every call moto failed at, with the traceback."""
        return self._gateway.crashed

    def forget(self) -> None:
        """Drops what is kept for callers that repeat a call: all callers are gone."""
        self._gateway.forget()

    def environment(self) -> dict[str, str]:
        """Environment variables that point Terraform, its provider and its S3 backend here."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "simulated",
            "AWS_SECRET_ACCESS_KEY": "simulated",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """A boto3 client of this account; made once, since making one reads a large model."""
        if (service, region) not in self._clients:
            self._clients[service, region] = self._session.client(
                service,
                region_name=region,
                endpoint_url=self.endpoint,
                config=Config(proxies={}, retries={"total_max_attempts": 1}),
            )
        return self._clients[service, region]
