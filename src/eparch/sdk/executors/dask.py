"""Tasks on a Dask cluster.

In charge of sending attempts to Dask and of taking in what becomes of them; not in charge of the cluster, which is
Dask's.

A task whose worker dies is run again by Dask on another worker. It had not been reported as done then: only what has
arrived here is. Results travel through this process; keep large ones on a shared filesystem and pass their names.
"""

import importlib
import logging
import pickle
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from queue import SimpleQueue
from typing import Any, Final
from uuid import uuid4

from eparch.sdk import states
from eparch.sdk.engine.attempts import Attempt, Outcome, Shared, run_attempt
from eparch.sdk.errors import FlowError
from eparch.sdk.executors.dask_speech import Channel, Done, Hearing, Speech, this_process
from eparch.sdk.executors.executor import Events, Executor, Session
from eparch.sdk.executors.messages import read, written
from eparch.sdk.logs import ROOT
from eparch.sdk.pickling import pickled

_logger: Final = logging.getLogger("eparch.dask")
_FORGOTTEN_S_MAX: Final = 5.0
_FORGOTTEN_PAUSE_S: Final = 0.001
# More than any cluster does at once, so that its scheduler sees what is coming.
_ROOM: Final = 5_000


class DaskExecutor(Executor):
    """Run tasks on a Dask cluster. Needs the package distributed: `pip install 'eparch[dask]'`.

    Args:
        address: of a running scheduler, such as "tcp://10.0.0.1:8786". Without it a cluster is started for each run.
        cluster_class: the kind of cluster to start, as a class, a function or a dotted name; by default
            `distributed.LocalCluster`.
        cluster_kwargs: its arguments.
        adapt_kwargs: arguments of its `adapt`, to let it grow and shrink.
        client_kwargs: arguments of `distributed.Client`.

    Example:
        >>> from eparch import Flow, task
        >>> from eparch.executors import DaskExecutor
        >>> @task
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> executor = DaskExecutor(cluster_kwargs={"processes": False, "dashboard_address": "127.0.0.1:0"})
        >>> with Flow("doubles", executor=executor) as f:
        ...     doubles = double.map([1, 2, 3])
        >>> f.run().result[doubles].result
        [2, 4, 6]
    """

    def __init__(
        self,
        address: str | None = None,
        cluster_class: str | Callable[..., Any] | None = None,
        cluster_kwargs: Mapping[str, Any] | None = None,
        adapt_kwargs: Mapping[str, Any] | None = None,
        client_kwargs: Mapping[str, Any] | None = None,
        debug: bool = False,
    ) -> None:
        if address is not None and (cluster_class or cluster_kwargs or adapt_kwargs):
            raise FlowError(
                "A DaskExecutor has the address of a cluster and is to start one as well.", hint="give one of the two"
            )
        self.address = address
        self.cluster_class = cluster_class
        self.cluster_kwargs = dict(cluster_kwargs or {})
        self.adapt_kwargs = dict(adapt_kwargs or {})
        self.client_kwargs = {"set_as_default": False, **(client_kwargs or {})}
        self.debug = debug

    def open(self, shared: Shared, events: Events) -> Session:
        """Connect to the cluster, or start one.

        Raises:
            FlowError: a task cannot be pickled, or there is no cluster at the address.
        """
        try:
            import distributed
        except ImportError:
            raise FlowError(
                "A DaskExecutor needs the package distributed.", hint="pip install 'eparch[dask]'"
            ) from None
        data = pickled(shared, "The flow", shared.tasks)
        cluster = None
        if self.address is None:
            cluster = self._cluster_class(distributed)(**self.cluster_kwargs)
            if self.adapt_kwargs:
                cluster.adapt(**self.adapt_kwargs)
        try:
            connect: Any = distributed.Client
            client = connect(cluster if cluster is not None else self.address, **self.client_kwargs)
        except OSError as error:
            raise FlowError(
                f"There is no Dask scheduler at {self.address}: {error}", hint="start one: dask scheduler"
            ) from None
        return _DaskSession(client, cluster, shared, data, events)

    def _cluster_class(self, distributed: Any) -> Callable[..., Any]:
        if self.cluster_class is None:
            made: Callable[..., Any] = distributed.LocalCluster
            return made
        if callable(self.cluster_class):
            return self.cluster_class
        module, _, name = self.cluster_class.rpartition(".")
        try:
            found: Callable[..., Any] = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise FlowError(f"The cluster class {self.cluster_class!r} cannot be imported: {error}") from None
        return found

    def __repr__(self) -> str:
        return f"<DaskExecutor: {self.address or self.cluster_class or 'a local cluster'}>"


class _DaskSession(Session):
    def __init__(self, client: Any, cluster: Any, shared: Shared, data: bytes, events: Events) -> None:
        self._client = client
        self._cluster = cluster
        self._shared = shared
        self._events = events
        # A task of its own, not scattered data: Dask makes it again when the workers that hold it are lost.
        self._shared_future = client.submit(_unpickled, data, key=f"eparch-flow-{uuid4()}", pure=False)
        self._open: dict[str, tuple[Any, Attempt]] = {}
        self._submitted_count = 0
        self._finished: SimpleQueue[str | None] = SimpleQueue()
        self._hearing = Hearing(client, events)
        level = logging.getLogger(ROOT).getEffectiveLevel()
        self._channel = Channel(self._hearing.topic, this_process(), level, shared.tells_all)
        self._gatherer = threading.Thread(target=self._gather, daemon=True, name="eparch-dask")
        self._gatherer.start()

    def room(self) -> int:
        return _ROOM - len(self._open)

    def submit(self, attempts: Sequence[Attempt]) -> None:
        keys, messages = [], []
        for attempt in attempts:
            try:
                messages.append(written([attempt]))
            except Exception as error:  # whatever a user's object raises
                name = self._shared.tasks[attempt.step].name
                self._fail(attempt, f"The inputs of task {name!r} cannot be sent to Dask: {error}", error)
                continue
            self._submitted_count += 1
            child = "" if attempt.map_index < 0 else f"-{attempt.map_index}"
            # Dask groups tasks by what comes before the last part of their keys.
            key = f"{self._shared.slugs[attempt.step]}{child}-{uuid4()}"
            keys.append((key, attempt))
        if not messages:
            return
        futures = self._client.map(
            _run,
            messages,
            shared=self._shared_future,
            channel=self._channel,
            key=[key for key, _ in keys],
            pure=False,
        )
        for (key, attempt), future in zip(keys, futures, strict=True):
            self._open[key] = (future, attempt)
            self._watch(future)

    def close(self, *, cancel: bool = False) -> int:
        """Disconnect, and stop the cluster if it is ours; with `cancel`, take back what has not begun."""
        is_ours = self._cluster is not None
        left_count = 0 if is_ours else len(self._open)
        if cancel:
            self._client.cancel([future for future, _ in self._open.values()], force=True)
        self._finished.put(None)
        self._gatherer.join()
        if not cancel:
            self._hearing.wait()
        self._shared_future.release()
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()
        return left_count

    def _watch(self, future: Any) -> None:
        future.add_done_callback(lambda done: self._finished.put(done.key))

    def _gather(self) -> None:
        """Fetch results, as many at once as are there."""
        is_open = True
        while is_open:
            keys = [self._finished.get()]
            while not self._finished.empty():
                keys.append(self._finished.get())
            is_open = None not in keys
            here = [key for key in keys if key is not None and key in self._open and self._is_here(key)]
            try:
                gathered = self._client.gather([self._open[key][0] for key in here])
            except Exception:
                # One of them went away in between: each by itself, so that the others are not held up.
                gathered = [self._fetched(key) for key in here]
            arrived = {key: data for key, data in zip(here, gathered, strict=True) if data is not None}
            for key in self._begun_again(arrived):
                del arrived[key]
                self._watch(self._open[key][0])
            for key in arrived:
                self._open[key][0].release()
            self._wait_forgotten(arrived)
            for key, data in arrived.items():
                self._events.put(self._outcome(self._open.pop(key)[1], data))

    def _begun_again(self, keys: Collection[str]) -> list[str]:
        """Return the tasks whose result the scheduler has lost: it runs them once more, so they are not done yet."""
        return [key for key, state in self._scheduler_states(keys).items() if state not in ("memory", None)]

    def _wait_forgotten(self, keys: Collection[str]) -> None:
        """Wait until the scheduler has let go of tasks that are done; as long as it knows one it may run it again.

        That happens when the worker that holds a result dies. What is told as done after this is not begun again.
        """
        until = time.monotonic() + _FORGOTTEN_S_MAX
        left = list(keys)
        while left and time.monotonic() < until:
            left = [key for key, state in self._scheduler_states(left).items() if state is not None]
            if left:
                time.sleep(_FORGOTTEN_PAUSE_S)

    def _scheduler_states(self, keys: Collection[str]) -> dict[str, str | None]:
        """Return what the scheduler knows of tasks; None of one that it has let go of."""
        if not keys:
            return {}
        try:
            found: dict[str, str | None] = self._client.sync(self._client.scheduler.get_task_status, keys=list(keys))
        except Exception as error:
            # The results are here; a scheduler that is gone begins nothing again.
            _logger.debug("The Dask scheduler does not say what it knows: %r", error)
            return {}
        return found

    def _is_here(self, key: str) -> bool:
        """Return whether a result is on the cluster; what cannot come any more has failed."""
        future, attempt = self._open[key]
        match future.status:
            case "finished":
                return True
            case "error":
                del self._open[key]
                self._fail(attempt, f"Dask could not run the task: {future.exception()}", future.exception())
            case "cancelled":
                del self._open[key]
                self._fail(attempt, "The Dask cluster has dropped the task, or is gone.", None)
            case _:
                # Its worker died with the result: Dask makes it again, and says so.
                self._watch(future)
        return False

    def _fetched(self, key: str) -> bytes | None:
        future, attempt = self._open[key]
        try:
            data: bytes = future.result()
        except Exception as error:
            del self._open[key]
            self._fail(attempt, f"Dask could not run the task: {error}", error)
            return None
        return data

    def _outcome(self, attempt: Attempt, data: bytes) -> Outcome:
        try:
            done: Done = read(data)
        except Exception as error:
            return self._failed(attempt, f"The result of a task cannot be read here: {error!r}", error)
        self._hearing.expect(done.speech, done.said_count)
        return done.outcome

    def _fail(self, attempt: Attempt, message: str, error: BaseException | None) -> None:
        self._events.put(self._failed(attempt, message, error))

    def _failed(self, attempt: Attempt, message: str, error: BaseException | None) -> Outcome:
        return Outcome(attempt.step, attempt.map_index, states.Failed(message, result=error))


def _unpickled(data: bytes) -> Any:
    return pickle.loads(data)  # noqa: S301 - the flow that this cluster was given to run


def _run(message: bytes, *, shared: Shared, channel: Channel) -> bytes:
    """Run one attempt; called by a Dask worker."""
    (attempt,) = read(message)
    with Speech(channel) as speech:
        outcome = run_attempt(shared, attempt, speech.tell if channel.tells_all else None, keeps_order=False)
    try:
        return written(Done(outcome, speech.id, speech.said_count))
    except Exception as error:
        name = shared.tasks[attempt.step].name
        failed = states.Failed(
            f"The result of task {name!r} cannot be sent out of its worker: {error!r}", result=RuntimeError(repr(error))
        )
        done = Outcome(outcome.step, outcome.map_index, failed, outcome.passed)
        return written(Done(done, speech.id, speech.said_count))
