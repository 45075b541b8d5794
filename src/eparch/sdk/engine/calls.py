"""Calling a task's code: plain or async, with a limit to its time or without.

In charge of the call itself; not in charge of what its outcome means (`attempts`).

What can be stopped, honestly:

- in a process of its own (`ProcessExecutor`), everything: the process is killed, and this module is not asked;
- in the main thread, Python code and most waiting (sleeping, reading from a socket): a timer signal interrupts it;
- an async task, at its next `await`;
- in another thread, Python code between two instructions. A call into C that does not return, such as a long
  computation or a sleep, cannot be stopped: the run ends as TimedOut, its message says so, and the thread goes on by
  itself until it comes back, with nobody listening.
"""

import contextvars
import inspect
import signal
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, Final

# How long a thread that was told to stop is waited for before it is called unstoppable.
_GRACE_S: Final = 0.2


class TimeoutExpired(Exception):
    """A task took longer than its timeout."""


class _Stop(BaseException):
    """Raised in the middle of a task's code to stop it. No `Exception`, so that it is not caught by the way."""


def called(run: Callable[[], Any], timeout_s: float | None) -> Any:
    """Return what the code of a task returns; a coroutine is awaited.

    Raises:
        TimeoutExpired: it took longer than `timeout_s`.
    """
    value = run() if timeout_s is None else _limited(run, timeout_s)
    return _awaited(value, timeout_s) if inspect.iscoroutine(value) else value


def _awaited(coroutine: Coroutine[Any, Any, Any], timeout_s: float | None) -> Any:
    # Imported late: it brings a third of what a process of tasks has to load.
    import asyncio

    async def wait() -> Any:
        # Not `wait_for`: a TimeoutError that the task itself raises is another matter.
        async with asyncio.timeout(timeout_s) as limit:
            try:
                return await coroutine
            except asyncio.CancelledError:
                if timeout_s is not None and asyncio.get_running_loop().time() >= (limit.when() or 0):
                    raise TimeoutExpired(_message(timeout_s, "it was cancelled at an await")) from None
                raise

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    # A notebook runs a loop in this thread already; a coroutine of ours gets a thread of its own.
    return _in_thread(lambda: asyncio.run(wait()), None)


def _limited(run: Callable[[], Any], timeout_s: float) -> Any:
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        return _interrupted(run, timeout_s)
    return _in_thread(run, timeout_s)


def _interrupted(call: Callable[[], Any], timeout_s: float) -> Any:
    """Call in the main thread, stopped by a timer signal."""

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signals call
        raise _Stop

    before = signal.signal(signal.SIGALRM, stop)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, timeout_s)
            return call()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    except _Stop:
        raise TimeoutExpired(_message(timeout_s, "it was interrupted")) from None


def _in_thread(call: Callable[[], Any], timeout_s: float | None) -> Any:
    """Call in a thread of its own, which is left behind if it cannot be stopped."""
    box: list[tuple[bool, Any]] = []
    inherited = contextvars.copy_context()

    def work() -> None:
        try:
            box.append((True, inherited.run(call)))
        except BaseException as error:
            box.append((False, error))

    # A daemon does not keep the process from ending.
    thread = threading.Thread(target=work, daemon=True, name="eparch-limited")
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        assert timeout_s is not None
        assert thread.ident is not None
        interrupt(thread.ident, _Stop)
        thread.join(_GRACE_S)
        if thread.is_alive():
            raise TimeoutExpired(
                _message(
                    timeout_s,
                    "its thread could not be stopped and goes on by itself; a ProcessExecutor would kill its process",
                )
            )
        raise TimeoutExpired(_message(timeout_s, "it was interrupted"))
    has_returned, value = box[0]
    if has_returned:
        return value
    raise value


def interrupt(thread_id: int, error: type[BaseException]) -> None:
    """Raise an error in another thread, between two instructions of its Python code.

    Source: "Thread State and the Global Interpreter Lock", Python/C API Reference Manual: PyThreadState_SetAsyncExc.
    """
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(error))


def _message(timeout_s: float, ending: str) -> str:
    return f"Task timed out during execution, after {timeout_s:g} s: {ending}."
