"""The input of an execution: how far it is to go, and who started it."""

from typing import Any

from migration.errors import InvalidRequest

KEYS = ("started_by", "stop_after")
# Stopping here would leave the target in use and nothing flowing back to the source.
_NO_PLACE_TO_STOP = "CutOver"
_APPROVED = "Approve"


def of(given: Any, phases: list[str]) -> dict[str, str | None]:
    """The checked input: ``stop_after``, the last phase unless another is named, ``started_by``.

    Raises:
        InvalidRequest: it is no such object, names a phase that does not exist or cannot be the
            last, or would need an approval that nobody could give.
    """
    stops = [name for name in phases if name != _NO_PLACE_TO_STOP]
    allowed = (
        f'{{}} or {{"stop_after": one of {", ".join(stops)}, "started_by": the ARN of who starts}}'
    )
    unknown = sorted(set(given) - set(KEYS)) if isinstance(given, dict) else None
    if unknown is None:
        raise InvalidRequest(f"the execution's input is {given!r}; it must be {allowed}")
    if unknown:
        raise InvalidRequest(
            f"the execution's input has {', '.join(unknown)}; it must be {allowed}"
        )
    stop_after = given.get("stop_after", phases[-1])
    if stop_after not in stops:
        raise InvalidRequest(f"stop_after is {stop_after!r}; the input must be {allowed}")
    started_by = given.get("started_by")
    if started_by is not None and not isinstance(started_by, str):
        raise InvalidRequest(f"started_by is {started_by!r}; the input must be {allowed}")
    needed = _APPROVED in phases[: phases.index(stop_after) + 1]
    if needed and not (started_by or "").strip():
        raise InvalidRequest(
            f"started_by is {started_by!r}: an approval must come from somebody else, so the "
            "input must name who starts; 'pipenv run migration start' does"
        )
    return {"stop_after": stop_after, "started_by": started_by}
