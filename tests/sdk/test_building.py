"""What can be wrong with a flow is said while it is built, with the name of the task and what to do."""

import threading
import warnings
from datetime import timedelta
from typing import Any

import pytest

from eparch import Flow, FlowError, Parameter, Task, case, flow, mapped, merge, resource_manager, switch, task, unmapped
from eparch.executors import ProcessExecutor, ThreadExecutor
from eparch.sdk.errors import ArgumentError


@task
def inc(x: int) -> int:
    return x + 1


@task
def one() -> int:
    return 1


def hint(error: pytest.ExceptionInfo[BaseException]) -> str:
    return " ".join(getattr(error.value, "__notes__", []))


def test_a_task_called_outside_a_flow_says_how_to_run_it() -> None:
    with pytest.raises(FlowError, match="Task 'inc' was called and no flow is being built") as error:
        inc(1)
    assert "inc.run(...)" in hint(error)


def test_a_missing_argument_is_said_with_the_signature() -> None:
    with Flow("f"), pytest.raises(ArgumentError, match="Task 'inc' cannot be called like this") as error:
        inc()  # type: ignore[call-overload]
    assert "inc(x: int) -> int" in hint(error)


def test_a_cycle_is_said_with_its_tasks() -> None:
    with Flow("f") as built:
        first: Any = one()
        second: Any = inc(first)
        third: Any = inc(second)
        first.set_upstream(third)
    with pytest.raises(FlowError, match="one-1 -> inc-1 -> inc-2 -> one-1"):
        built.validate()
    with pytest.raises(FlowError, match="acyclic"):
        built.run()


def test_a_flow_that_validates_itself_refuses_the_edge_that_closes_a_cycle() -> None:
    with Flow("f", validate=True):
        first: Any = one()
        second = inc(first)
        with pytest.raises(FlowError, match="acyclic"):
            first.set_upstream(second)


def test_an_argument_that_is_no_parameter_is_refused() -> None:
    with Flow("f"):
        with pytest.raises(ArgumentError, match="cannot be called like this: got an unexpected keyword argument 'y'"):
            inc(1, y=2)  # type: ignore[call-overload]
        with pytest.raises(ArgumentError, match="Task 'one' has no parameter 'z'"):
            one.copy().set_upstream(one.copy(), key="z")


def test_a_task_that_was_passed_instead_of_called_is_noticed() -> None:
    with Flow("f") as built:
        built.chain(one.copy(), inc)
    with pytest.raises(FlowError, match="Task 'inc' of flow 'f' has no value for 'x'"):
        built.run()


def test_parameters_of_a_run_are_checked() -> None:
    with Flow("f") as built:
        inc(Parameter("day"))
    with pytest.raises(ArgumentError, match="needs the parameter day"):
        built.run()
    with pytest.raises(ArgumentError, match="no parameter 'dya'") as error:
        built.run(dya=1)
    assert "did you mean 'day'?" in hint(error)


def test_two_parameters_of_one_name_are_refused() -> None:
    built = Flow("f", tasks=[Parameter("x")])
    with pytest.raises(FlowError, match="slug 'x' already exists"):
        built.add_task(Parameter("x"))


def test_an_unused_parameter_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="never uses the parameters p"), Flow("f"):
        Parameter("p")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Flow("f"):
            Parameter("p")()


def test_a_task_has_no_truth_value_while_a_flow_is_built() -> None:
    with Flow("f"), pytest.raises(FlowError, match="no truth value"):
        bool(one())


def test_a_task_with_one_result_cannot_be_unpacked() -> None:
    with Flow("f"), pytest.raises(ArgumentError, match="'one' is not iterable"):
        _a, _b = one()  # type: ignore[misc]


@pytest.mark.parametrize("value", [3, None, {1, 2}, 1.5])
def test_what_has_no_order_cannot_be_mapped_over(value: object) -> None:
    with Flow("f"), pytest.raises(ArgumentError, match=r"cannot be mapped over x=.* has no order"):
        inc.map(value)


def test_an_annotation_inside_a_list_is_refused() -> None:
    with Flow("f"), pytest.raises(FlowError, match="not of a member of a list"):
        inc([one(), unmapped(1)])


@pytest.mark.parametrize("block", [lambda: case(1, 2).__enter__(), lambda: switch(1, {}), lambda: merge(1)])
def test_blocks_stand_inside_a_flow(block: Any) -> None:
    with pytest.raises(FlowError, match="stands inside a flow"):
        block()


def test_a_resource_manager_needs_a_cleanup_and_a_flow() -> None:
    class Bare:
        def setup(self) -> int:
            return 1

    with pytest.raises(FlowError, match="'Bare' has no `cleanup`"):
        resource_manager(Bare)

    @resource_manager
    class Whole:
        def cleanup(self) -> None: ...

    with pytest.raises(FlowError, match="stands inside a flow"):
        Whole()


OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"max_retries": -1}, "`max_retries` of task 'n' is -1"),
    ({"retry_delay": timedelta(1)}, "has a `retry_delay` and no retries"),
    ({"max_retries": 1, "retry_delay": "soon"}, "retry delay of task 'n' is 'soon'"),
    ({"max_retries": 1, "retry_delay": [1, -2]}, "contains -2"),
    ({"max_retries": 1, "retry_on": [ValueError, 3]}, "`retry_on` of task 'n' contains 3"),
    ({"timeout": 0}, "timeout of task 'n' is 0"),
    ({"timeout": "1s"}, "timeout of task 'n' is '1s'"),
    ({"tags": "abc"}, "tags of task 'n' are the text 'abc'"),
    ({"tags": [1]}, "the tag 1"),
    ({"trigger": "all_succesful"}, "names the trigger 'all_succesful'"),
    ({"trigger": 3}, "trigger of task 'n' is 3"),
    ({"cache_for": 3}, "`cache_for` of task 'n' is 3"),
    ({"cache_validator": lambda *_: True}, "a cache validator and nothing to validate"),
    ({"state_handlers": print}, "state handlers of task 'n' are not a list"),
    ({"state_handlers": [3]}, "state handler 3"),
    ({"max_retry": 3}, "unknown option 'max_retry'"),
]


@pytest.mark.parametrize(("options", "message"), OPTIONS, ids=lambda value: value if isinstance(value, str) else "")
def test_an_option_that_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(FlowError, match=message):
        task(lambda: 1, name="n", **options)
    with Flow("f"), pytest.raises(FlowError, match=message):
        task(lambda: 1, name="n")(task_args=options)


def test_a_task_takes_no_star_arguments_and_no_reserved_names() -> None:
    with pytest.raises(FlowError, match=r"takes \*xs"):
        task(lambda *xs: xs)
    with pytest.raises(FlowError, match="has a parameter 'mapped'"):
        task(lambda mapped: mapped)


def test_functions_written_in_c_can_be_tasks() -> None:
    with Flow("f") as built:
        total: Any = task(sum)([1, 2, 3])
        size: Any = task(len).map([[1], [1, 2]])
    state = built.run()
    assert (state.result[total].result, state.result[size].result) == (6, [1, 2])


def test_a_traced_flow_is_the_same_as_one_built_by_hand() -> None:
    @flow(name="sums")
    def traced(x: int, y: int = 10) -> None:
        inc(inc(x), upstream_tasks=[inc(y)])

    with Flow("sums") as by_hand:
        x, y = Parameter("x")(), Parameter("y", default=10)()
        inner = inc(x)
        inc(inner, upstream_tasks=[inc(y)])
    assert traced.serialize() == by_hand.serialize()


def test_what_a_traced_flow_returns_decides_its_state() -> None:
    @task
    def fails() -> None:
        raise ValueError("no")

    @flow
    def partly() -> int:
        fails()
        return one()

    assert partly.run().is_successful()
    assert [t.name for t in partly.reference_tasks()] == ["one"]


def test_a_flow_is_traced_only_from_a_function_with_named_arguments() -> None:
    with pytest.raises(FlowError, match=r"takes \*days"):

        @flow
        def starred(*days: str) -> None: ...

    with pytest.raises(FlowError, match="is an async function"):

        @flow
        async def waits() -> None: ...


def test_a_flow_is_not_called() -> None:
    with pytest.raises(FlowError, match="Flow 'f' is not called") as error:
        Flow("f")()
    assert "run_flow" in hint(error)


def test_a_task_that_cannot_be_pickled_is_named_when_it_has_to_be_sent() -> None:
    lock = threading.Lock()

    @task
    def guarded() -> None:
        with lock:
            pass

    with Flow("f", executor=ProcessExecutor(1)) as built:
        one()
        guarded()
    with pytest.raises(FlowError, match="Task 'guarded' cannot be pickled"):
        built.run()


@pytest.mark.parametrize("executor", [ThreadExecutor, ProcessExecutor])
@pytest.mark.parametrize("workers", [0, -1, 1.5])
def test_an_executor_needs_a_worker(executor: Any, workers: Any) -> None:
    with pytest.raises(FlowError, match="cannot have"):
        executor(workers)


def test_slugs_depend_on_names_tags_and_order_alone() -> None:
    class Named(Task):
        def run(self) -> None: ...

    with Flow("f") as built:
        tasks = [
            Named(name="a", tags=["z", "b"])(),
            Named(name="a")(),
            Named(name="a", slug="own")(),
            Named(name="a")(),
        ]
    assert [built.slugs[member] for member in tasks] == ["a-b-z-1", "a-1", "own", "a-2"]


def test_mapped_arguments_may_be_said_one_by_one() -> None:
    @task
    def add(x: int, y: int) -> int:
        return x + y

    with Flow("f") as built:
        sums: Any = add(mapped([1, 2]), 10)
    assert built.run().result[sums].result == [11, 12]
