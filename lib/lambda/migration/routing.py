"""Which database the application is routed to: an SSM parameter, "source" or "target"."""

from typing import Literal

from migration import clients

Side = Literal["source", "target"]


def route_to(parameter: str, side: Side) -> None:
    """Set the routing parameter.

    A value that is already right is not written again, so the parameter's history shows moves
    and nothing else.
    """
    ssm = clients.client("ssm")
    try:
        before: str | None = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        before = None
    if before != side:
        ssm.put_parameter(Name=parameter, Value=side, Type="String", Overwrite=True)
