"""The whole workflow, executed from the synthesized definition with the real handlers."""

from __future__ import annotations

from tests.support.workflow_stage import Stage

pytest_plugins = ("tests.support.postgres", "tests.support.workflow_stage")


def test_the_whole_migration(stage: Stage) -> None:
    run = stage.run()
    print(run)
    for i in stage.functions.invocations:
        print(i.function, i.event.get("operation"))
    assert (run.status, run.error) == ("SUCCEEDED", None), run.cause
    print(stage.account.messages())
    print(stage.end())
