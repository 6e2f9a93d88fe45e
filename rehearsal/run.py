"""One rehearsal: a scenario carried out on a site, from the first payment to the last."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise

from moto.stepfunctions.parser.utils import TMP_THREADS

from migration.clients import client
from rehearsal import interpreter_watch, workload_plan
from rehearsal.account.watchdog import status_change
from rehearsal.fault import Fault
from rehearsal.injector import Injector
from rehearsal.interpreter import Interpreter
from rehearsal.invocations import Invocations
from rehearsal.metrics import Metrics
from rehearsal.moments import PUBLISH
from rehearsal.observer import Observer
from rehearsal.operators import Operators
from rehearsal.progress import Progress
from rehearsal.record import Message, Struck
from rehearsal.sampler import Sampler
from rehearsal.scenario import ABORTED, Scenario
from rehearsal.site import Site, Stage
from rehearsal.timeline import FINISH, WAY_BACK, Timeline
from rehearsal.workload.process import Workload
from rehearsal.world import RehearsedWorld
from scripts.workflow_map import Workflow

_EXECUTION_SECONDS = 300
"""Real time that an execution may take at most; most take some ten seconds."""
_FLOW_SECONDS = 30
"""Real time within which payments must be acknowledged again when all is over."""


class Rehearsal:
    """One scenario on a stage of ``site``; :meth:`run` once, then its parts say what happened."""

    def __init__(
        self,
        site: Site,
        stage: Stage,
        scenario: Scenario,
        rate: int | None,
        progress: Progress,
    ) -> None:
        """``rate``: requests a second; None: as the scenario says."""
        self.site, self.stage, self.scenario, self.progress = site, stage, scenario, progress
        self._rate = rate
        self.started = site.clock.now()
        self._skipped = site.clock.skipped
        progress.skipped = lambda: self.skipped_seconds
        workflow = Workflow.of(site.settings)
        self.timeline = Timeline(
            site.clock,
            dict.fromkeys(workflow.way_back, WAY_BACK)
            | {state: phase for phase, states in workflow.phases.items() for state in states},
        )
        self.struck: list[Struck] = []
        self.messages: list[Message] = []
        self.operators = Operators(
            site.settings, stage.account.machine_arn.split(":")[4], lambda: self.timeline.state
        )
        self.world = RehearsedWorld(site, stage, self.operators, roles=site.roles)
        self.injector = Injector(scenario.faults, self.world, self._strike)
        handlers = {each.name: each.handler.partition(".")[0] for each in stage.account.functions}
        self.invocations = Invocations(
            site.runtime, self.injector, self.timeline, handlers.__getitem__
        )
        self.watchdog = stage.account.watchdog(self.invocations.invoke_beside, site.waits.sleep)
        self.sampler = Sampler(
            at=self.timeline.at,
            lag=lambda: stage.dms.lag(stage.account.variable("FORWARD_TASK_ARN")),
            aws_percent=lambda: stage.account.aws_percent,
            told=progress.sample,
        )
        self.observer = Observer(
            {side: site.reach(side, site.roles[0]) for side in ("source", "target")}
        )
        self.ledger_file = site.scratch.folder / "ledger"
        self.ending = ""
        self.cause: str | None = None
        self.flows = False

    @property
    def skipped_seconds(self) -> float:
        """What the clock has skipped since the beginning."""
        return self.site.clock.skipped - self._skipped

    @property
    def execution_arn(self) -> str:
        machine = self.stage.account.machine_arn.replace(":stateMachine:", ":execution:")
        return f"{machine}:{self.world.execution}"

    def run(self) -> None:
        """Pay, migrate, go on paying, end."""
        with ExitStack() as stack:
            self._interpret()
            stack.callback(self.injector.close)
            self._pay(stack)
            self.observer.start()
            stack.callback(self.observer.stop)
            self.injector.start()
            with self._going_on():
                self._execute()
            self.watchdog.settle()
            self.flows = self._await_flow()
            self._hear(0)

    def _interpret(self) -> None:
        """The interpreter as AWS would run it, told of and telling everything."""
        patch = self.stage.patch
        Interpreter(patch, self.invocations, self.site.waits)
        interpreter_watch.tell_of_states(patch, self._entered, self.timeline.left)
        interpreter_watch.stop_executions_at_once(patch, self._stopped)
        interpreter_watch.answer_history_as_asked(patch)
        interpreter_watch.surround_notices(
            patch,
            lambda: self.injector.before(PUBLISH, {}),
            lambda: self.injector.after(PUBLISH, {}),
        )

    def _pay(self, stack: ExitStack) -> None:
        self.ledger_file.unlink(missing_ok=True)
        changes = {"seed": self.scenario.seed or 0, **self.scenario.workload}
        if self._rate is not None:
            changes["rate"] = self._rate
        plan = workload_plan.plan(self.site, self.stage, self.ledger_file, changes)
        self.sampler.begin()
        self.world.workload = workload = Workload(plan, self.sampler.take)
        stack.callback(workload.kill)
        workload.wait_until_ready()
        stack.callback(workload.stop)

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        """What goes by while something waits: replication, metrics, people."""
        waits, metrics = self.site.waits, Metrics(self.stage, self.world, self.sampler)
        waits.before = [self.stage.dms.settle]
        waits.after = [metrics.tell, self._answer, self._hear]
        metrics.tell(0)
        try:
            yield
        finally:
            waits.after = [metrics.tell, self._hear]

    def _execute(self) -> None:
        begun = len(TMP_THREADS)
        self.world.execution = self.operators.start(self.scenario.stop_after)
        thread: threading.Thread = TMP_THREADS[begun]
        until = time.monotonic() + _EXECUTION_SECONDS
        while thread.is_alive() and time.monotonic() < until:
            thread.join(0.5)
        told = client("stepfunctions").describe_execution(executionArn=self.execution_arn)
        self.cause = told.get("cause") or told.get("error")
        self.ending = str(self.timeline.state)
        if told["status"] in (ABORTED, "TIMED_OUT", "RUNNING"):
            self.ending = told["status"]
        if told["status"] == "RUNNING":
            # It would go on in the next rehearsal.
            self.operators.stop(self.world.execution)
            thread.join(_FLOW_SECONDS)
        if told["status"] in ("FAILED", "TIMED_OUT"):
            self._tell_watchdog(told["status"])

    def _stopped(self) -> None:
        self.invocations.over.set()
        self._tell_watchdog(ABORTED)

    def _tell_watchdog(self, status: str) -> None:
        machine = self.stage.account.machine_arn
        self.watchdog.see(status_change(self.execution_arn, machine, status))

    def _entered(self, state: str) -> None:
        self.timeline.entered(state)
        phase = self.timeline.phase(state)
        self.progress.state(state, None if phase in (WAY_BACK, FINISH) else phase)
        self.injector.entered(state)

    def _strike(self, fault: Fault, what: str) -> None:
        self.struck.append(Struck(self.timeline.at(), str(fault), what))
        self.progress.struck(self.struck[-1])

    def _answer(self, _seconds: float) -> None:
        if self.world.execution:
            self.operators.answer(self.world.execution)

    def _hear(self, _seconds: float) -> None:
        """What the operators were told since the last time."""
        for told in self.stage.account.messages():
            self.messages.append(Message(self.timeline.at(), told["Subject"], told["Message"]))

    def _await_flow(self) -> bool:
        """Whether payments are acknowledged again, in two reports of the workload in a row."""
        until, seen = time.monotonic() + _FLOW_SECONDS, len(self.sampler.samples)
        while time.monotonic() < until:
            later = self.sampler.samples[seen + 1 :]
            if any(a.acknowledged_rate and b.acknowledged_rate for a, b in pairwise(later)):
                return True
            time.sleep(0.05)
        return False
