"""The state machine of a run: everything is handed out exactly once, in order, whatever ends when."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eparch import Flow, task, unmapped
from eparch.sdk.engine.machine import Machine, Ready
from eparch.sdk.engine.plan import Plan, compiled
from eparch.states import Failed, Mapped, Paused, Queued, Resume, Retrying, Skipped, State, Submitted, Success

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@task
def step(xs):  # type: ignore[no-untyped-def]
    return xs


@task(skip_on_upstream_skip=False)
def stubborn(xs):  # type: ignore[no-untyped-def]
    return xs


@dataclass(frozen=True)
class Shape:
    """A flow of up to eight steps: for each those before it, how many of them it maps over, whether it is skipped."""

    steps: tuple[tuple[tuple[int, ...], int, bool], ...]

    def flow(self) -> Flow:
        with Flow("shape") as flow:
            made: list[Any] = []
            for number, (before, mapped_count, minds) in enumerate(self.steps):
                kind = step if minds else stubborn
                options: dict[str, Any] = {"task_args": {"name": f"s{number}"}}
                upstream = [made[index] for index in before]
                if not upstream:
                    made.append(kind([1, 2, 3], **options))
                elif mapped_count:
                    others = [*upstream[1:mapped_count], *(unmapped(other) for other in upstream[mapped_count:])]
                    made.append(kind.map(upstream[0], upstream_tasks=others, **options))
                else:
                    made.append(kind(upstream[0], upstream_tasks=upstream[1:], **options))
        return flow


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    steps = []
    for number in range(draw(st.integers(1, 8))):
        before = draw(st.lists(st.integers(0, number - 1), max_size=3, unique=True)) if number else []
        steps.append((tuple(before), draw(st.integers(0, 2)), draw(st.booleans())))
    return Shape(tuple(steps))


OUTCOMES = ["success", "success", "success", "empty", "failed", "skipped", "retry"]


def run_of(kind: str, now: datetime) -> State:
    match kind:
        case "success":
            return Success(result=[1, 2, 3])
        case "empty":
            return Success(result=[])
        case "failed":
            return Failed()
        case "skipped":
            return Skipped(result=[5])
        case _:
            return Retrying(start_time=now + timedelta(seconds=10))


def is_over(state: State | None) -> bool:
    if isinstance(state, Mapped):
        return all(is_over(child) for child in state.map_states)
    return state is not None and state.is_finished()


def check_is_open(machine: Machine, plan: Plan, run: Ready) -> None:
    """A run that is handed out has everything before it."""
    for given_input in run.step.inputs:
        before = machine.states[given_input.upstream]
        if given_input.is_by_child and isinstance(before, Mapped):
            assert is_over(before.map_states[run.map_index])
        else:
            assert is_over(before), (
                f"{run.step.slug} was handed out before {plan.steps[given_input.upstream].slug} ended"
            )


@given(shape=shapes(), chance=st.randoms(use_true_random=False))
def test_every_run_is_handed_out_once_and_after_all_that_comes_before_it(shape: Shape, chance: Random) -> None:
    plan = compiled(shape.flow())
    machine = Machine(plan)
    now = NOW
    out: list[Ready] = []
    handed: dict[tuple[int, int], int] = {}
    retried: set[tuple[int, int]] = set()
    while not machine.is_idle:
        for run in machine.take(chance.randint(1, 4)):
            check_is_open(machine, plan, run)
            key = (run.step.index, run.map_index)
            handed[key] = handed.get(key, 0) + 1
            out.append(run)
        if out and (chance.random() < 0.5 or machine.running_count >= 4):
            run = out.pop(chance.randrange(len(out)))
            key = (run.step.index, run.map_index)
            kind = chance.choice(OUTCOMES)
            if kind == "retry" and key in retried:
                kind = "success"
            if kind == "retry":
                retried.add(key)
            machine.ended(run, run_of(kind, now))
        elif not out and machine.wakes_at() is not None:
            wakes_at = machine.wakes_at()
            assert wakes_at is not None
            now = max(now, wakes_at)
            machine.wake(now)
        assert machine.running_count == len(out)
    assert all(is_over(state) for state in machine.states), "something was forgotten"
    assert all(count == 1 + (key in retried) for key, count in handed.items())
    for planned in plan.steps:
        state = machine.states[planned.index]
        children = len(state.map_states) if isinstance(state, Mapped) else 0
        assert all((planned.index, index) in handed for index in range(children))


def planned(build: Any) -> Plan:
    with Flow("f") as flow:
        build()
    return compiled(flow)


def chain_of_maps() -> None:
    step.map(step.map([1, 2, 3]))


def test_a_child_goes_on_without_waiting_for_its_siblings() -> None:
    machine = Machine(planned(chain_of_maps))
    (constant,) = machine.take(10)
    machine.ended(constant, Success(result=[1, 2, 3]))
    first = machine.take(10)
    assert [(run.step.slug, run.map_index) for run in first] == [("step-1", 0), ("step-1", 1), ("step-1", 2)]
    machine.ended(first[1], Success(result=2))
    assert [(run.step.slug, run.map_index) for run in machine.take(10)] == [("step-2", 1)]


def test_ten_thousand_children_are_kept_as_one_span_until_they_are_handed_out() -> None:
    machine = Machine(planned(lambda: step.map(list(range(10_000)))))
    (constant,) = machine.take(10)
    machine.ended(constant, Success(result=list(range(10_000))))
    assert len(machine._ready) == 1
    assert [run.map_index for run in machine.take(3)] == [0, 1, 2]
    assert len(machine.take(20_000)) == 9_997


def test_a_long_chain_of_known_states_needs_no_deep_stack() -> None:
    def build() -> None:
        last: Any = step(1)
        for _ in range(3_000):
            last = step(last)

    plan = planned(build)
    machine = Machine(plan, {index: Success(result=1) for index in range(len(plan.steps))})
    assert machine.is_idle
    assert all(isinstance(state, Success) for state in machine.states)


def test_known_states_are_not_run_again_and_failed_children_are() -> None:
    plan = planned(chain_of_maps)
    first, second = plan.by_task[plan.steps[1].task], plan.by_task[plan.steps[2].task]
    done = {0: Success(result=1), 1: Success(result=2), 2: Success(result=3)}
    machine = Machine(plan, {0: Success(result=[1, 2, 3])}, {first: done, second: {0: Success(result=9)}})
    assert [(run.step.index, run.map_index) for run in machine.take(10)] == [(second, 1), (second, 2)]


def test_a_known_child_is_not_run_again_when_the_child_before_it_is() -> None:
    plan = planned(chain_of_maps)
    first, second = plan.by_task[plan.steps[1].task], plan.by_task[plan.steps[2].task]
    known = {first: {0: Success(result=1)}, second: {1: Success(result=9)}}
    machine = Machine(plan, {0: Success(result=[1, 2, 3])}, known)
    again, last, after = machine.take(10)
    assert [(run.step.index, run.map_index) for run in (again, last, after)] == [(first, 1), (first, 2), (second, 0)]
    machine.ended(again, Success(result=2))
    assert machine.take(10) == []


@pytest.mark.parametrize(
    ("known", "due"),
    [
        (Retrying(start_time=NOW + timedelta(hours=1)), NOW + timedelta(hours=1)),
        (Queued(state=Submitted(), start_time=NOW), NOW),
        (Resume(start_time=NOW), NOW),
    ],
    ids=["retrying", "queued", "resumed"],
)
def test_a_known_waiting_state_is_waited_for(known: State, due: datetime) -> None:
    machine = Machine(planned(lambda: step(1)), {0: known})
    assert machine.take(1) == []
    assert machine.wakes_at() == due
    machine.wake(due - timedelta(seconds=1))
    assert machine.take(1) == []
    machine.wake(due)
    assert len(machine.take(1)) == 1


def test_a_paused_run_waits_for_somebody_and_lets_the_rest_go_on() -> None:
    def build() -> None:
        paused: Any = step(1)
        step(paused)
        step(2)

    machine = Machine(planned(build))
    paused, other = machine.take(5)
    machine.ended(paused, Paused())
    machine.ended(other, Success())
    assert machine.is_idle
    assert machine.unfinished_count() == 1
    assert machine.states[2] is None


def test_a_stopped_machine_hands_out_nothing_more() -> None:
    machine = Machine(planned(chain_of_maps))
    (constant,) = machine.take(1)
    machine.ended(constant, Success(result=[1, 2, 3]))
    (child,) = machine.take(1)
    machine.stop()
    assert machine.take(5) == []
    machine.ended(child, Success())
    assert machine.is_idle
