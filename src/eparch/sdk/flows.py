"""A flow: tasks that depend on each other, as one thing that can be run, drawn, registered.

In charge of what belongs to the flow as a whole; not in charge of building its graph (`flow_graph`), of running
(`engine`), of the JSON document (`flow_document`) or of the server (`registration`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eparch.sdk import flow_checks
from eparch.sdk.edges import Edge
from eparch.sdk.errors import ArgumentError, FlowError
from eparch.sdk.flow_graph import FlowGraph
from eparch.sdk.task_options import OnFailure
from eparch.sdk.tasks import Task

if TYPE_CHECKING:
    from eparch.sdk.executors.executor import Executor
    from eparch.sdk.picture import Picture
    from eparch.sdk.results.result import Result
    from eparch.sdk.run_configs import RunConfig
    from eparch.sdk.schedules.clocks import Clock
    from eparch.sdk.schedules.schedule import Schedule
    from eparch.sdk.states import State
    from eparch.sdk.storage.storage import Storage


class Flow(FlowGraph):
    """A named graph of tasks. Fill it inside a `with` block, or let `@flow` trace a function.

    Args:
        name: what it is called; the server keeps versions of a flow by name.
        schedule: when the server starts it by itself; see `eparch.schedules`.
        executor: where its tasks run; see `eparch.executors`.
        run_config: in what environment an agent starts it; see `eparch.run_configs`.
        storage: where an agent finds its code; see `eparch.storage`.
        state_handlers: called as handler(flow, old_state, new_state); may return another state.
        on_failure: called as on_failure(flow, state) when it ends with an error.
        validate: whether to look for cycles whenever an edge is added.
        result: where and how results of tasks are kept that do not say so themselves.
        terminal_state_handler: called as handler(flow, state, states of reference tasks) at the end; may return another
            state.
        log_prints: whether what its tasks print goes to their logs.

    Example:
        >>> from eparch import Flow, Parameter, task
        >>> @task
        ... def greet(name: str) -> str:
        ...     return f"Hello, {name}!"
        >>> with Flow("greeting") as f:
        ...     greeting = greet(Parameter("name", default="world"))
        >>> state = f.run(name="Marvin")
        >>> state.is_successful(), state.result[greeting].result
        (True, 'Hello, Marvin!')
    """

    def __init__(
        self,
        name: str,
        schedule: "Schedule | Clock | None" = None,
        executor: "Executor | None" = None,
        run_config: "RunConfig | None" = None,
        storage: "Storage | None" = None,
        tasks: Iterable[Task] | None = None,
        edges: Iterable[Edge] | None = None,
        reference_tasks: Iterable[Task] | None = None,
        state_handlers: Sequence[Callable[[Any, Any, Any], Any]] | None = None,
        on_failure: "Callable[[Any, State], None] | None" = None,
        validate: bool = False,
        result: "Result | None" = None,
        terminal_state_handler: Callable[[Any, Any, Any], Any] | None = None,
        log_prints: bool = False,
    ) -> None:
        super().__init__(name, validate)
        self._schedule: Schedule | None = None
        self.schedule = schedule
        self.executor = executor
        self.run_config = run_config
        self.storage = storage
        self.result = result
        self.terminal_state_handler = terminal_state_handler
        self.log_prints = log_prints
        self.state_handlers = flow_checks.handlers(name, state_handlers)
        if on_failure is not None:
            self.state_handlers.append(OnFailure(on_failure))
        for task in tasks or ():
            self.add_task(task)
        for edge in edges or ():
            self.add_edge(edge.upstream_task, edge.downstream_task, edge.key, edge.mapped, flattened=edge.flattened)
        if reference_tasks is not None:
            self.set_reference_tasks(reference_tasks)

    @property
    def schedule(self) -> "Schedule | None":
        """When the server starts it by itself; a clock alone is taken for a schedule."""
        return self._schedule

    @schedule.setter
    def schedule(self, given: "Schedule | Clock | None") -> None:
        if given is not None:
            from eparch.sdk.schedules.schedule import as_schedule

            given = as_schedule(given, self.name)
        self._schedule = given

    # ---- using it ----

    def serialize(self) -> dict[str, Any]:
        """Return the flow as the JSON document that is registered.

        Raises:
            FlowError: something in it cannot be written as JSON; the message names it.

        Example:
            >>> Flow("empty").serialize()["tasks"]
            []
        """
        from eparch.sdk.flow_document import flow_document

        return flow_document(self)

    def visualize(self, flow_state: "State | None" = None, filename: str | None = None) -> "Picture":
        """Return a picture of the flow, with the colours of its tasks' states if a state is given.

        In a notebook it shows itself. Its `svg`, `mermaid` and `dot` are texts.

        Args:
            filename: where to write it too; by its ending `.svg`, `.mmd` or `.dot`.

        Example:
            >>> from eparch import Flow, Parameter
            >>> with Flow("sum") as f:
            ...     total = Parameter("x") + 1
            >>> print(f.visualize().mermaid)
            flowchart TD
              t0(["x"])
              t1["Add"]
              t0 -- x --> t1
        """
        from eparch.sdk.picture import Picture

        picture = Picture(self, flow_state)
        if filename is not None:
            picture.save(filename)
        return picture

    def run(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        task_states: "Mapping[Task, State] | None" = None,
        executor: "Executor | None" = None,
        context: Mapping[str, Any] | None = None,
        run_on_schedule: bool | None = None,
        **further_parameters: Any,
    ) -> "State":
        """Run the flow in this process, without a server, and return its final state.

        `state.result` holds the state of each task, by task: `state.result[task].result` is what the task returned.

        Args:
            parameters: values by name; they may also be given as keywords.
            task_states: states to start from, such as those of an earlier run: tasks that are finished in it are not
                run again, and failed ones are if you leave them out.
            executor: where tasks run, instead of the flow's own executor.
            context: further values for the context.
            run_on_schedule: whether to go on with the next scheduled run after the end, for ever.
        Raises:
            ArgumentError: a required parameter is missing, or there is no parameter of this name.
            FlowError: the file of the flow is being loaded, by an agent or by the command line.

        Example:
            >>> from eparch import Flow, Parameter
            >>> with Flow("double") as f:
            ...     doubled = Parameter("x") * 2
            >>> f.run(x=4).result[doubled].result
            8
        """
        from eparch.sdk.engine.local import run_flow

        return run_flow(
            self,
            {**(parameters or {}), **further_parameters},
            task_states=task_states or {},
            executor=executor,
            context=context or {},
            run_on_schedule=bool(run_on_schedule),
        )

    def register(
        self,
        project: str | None = None,
        *,
        project_name: str | None = None,
        labels: Iterable[str] | None = None,
        set_schedule_active: bool = True,
        version_group_id: str | None = None,
        idempotency_key: str | None = None,
        description: str | None = None,
    ) -> str:
        """Tell the server about the flow, and return the id of this version of it.

        Registering unchanged code again gives the id that there is: the key is a digest of the flow's document, unless
        you give one.

        Args:
            project: the project it belongs to; it must exist. `project_name` is an older name for the same.
            labels: agents must have these labels to run it; added to those of its run config.
            set_schedule_active: whether its schedule starts at once.
        Raises:
            FlowError: something in the flow cannot be pickled or written as JSON; the message names it.
        """
        from eparch.sdk.registration import register

        name = project if project is not None else project_name
        if name is None:
            raise ArgumentError(f"Flow {self.name!r} is registered in a project.", hint='write register("my project")')
        return register(
            self,
            name,
            labels=labels,
            set_schedule_active=set_schedule_active,
            version_group_id=version_group_id,
            idempotency_key=idempotency_key,
            description=description,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: a flow is run, not called."""
        raise FlowError(
            f"Flow {self.name!r} is not called.",
            hint=f"{self.name}.run(...) runs it here; inside another flow, use create_flow_run or run_flow",
        )
