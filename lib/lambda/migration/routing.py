"""Which database the application is routed to: an SSM parameter, "source" or "target"."""

from typing import Literal

from migration import clients

Side = Literal["source", "target"]


def current(parameter: str) -> str | None:
    """What the routing parameter says; None when it does not exist."""
    ssm = clients.client("ssm")
    try:
        value: str = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return None
    return value


def route_to(parameter: str, side: Side) -> None:
    """Set the routing parameter.

    A value that is already right is not written again, so the parameter's history shows moves
    and nothing else.
    """
    if current(parameter) != side:
        clients.client("ssm").put_parameter(
            Name=parameter, Value=side, Type="String", Overwrite=True
        )
