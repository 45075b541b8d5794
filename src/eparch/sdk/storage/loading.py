"""Flows out of files, modules and pickles.

In charge of executing code and finding the flow in it; not in charge of getting the code (each kind of storage does).
"""

import importlib
import sys
import sysconfig
from collections.abc import Iterable
from contextvars import ContextVar
from difflib import get_close_matches
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from eparch.core.errors import EparchError
from eparch.sdk.errors import FlowError

if TYPE_CHECKING:
    from eparch.sdk.flows import Flow


class UnclearFlow(FlowError):
    """It cannot be said which flow is meant: there is none, or there are several."""


is_loading: ContextVar[bool] = ContextVar("eparch_is_loading", default=False)
"""Whether a flow's file is being executed: what registers or runs flows at its end is then not meant."""

_MODULE: Final = "__eparch_flow__"
# From where flow files were loaded.
_folders: set[str] = set()
_STANDARD: Final = sysconfig.get_path("stdlib")


def flow_of_file(path: Path, name: str | None) -> "Flow":
    """Return a flow by executing a file, not as `__main__`.

    Args:
        name: which one; None for the only one there is.
    Raises:
        FlowError: there is no such file, its code fails, or it has no such flow.
        UnclearFlow: no name is given, and it has no flow or several.
    """
    return flow_of_source(_read(path), str(path), name)


def flows_of_file(path: Path) -> list["Flow"]:
    """Return all flows of a file, in the order of their names; raises as `flow_of_file`."""
    flows = {value.name: value for value in _executed(_read(path), str(path)) if _is_flow(value)}
    return [flow for _, flow in sorted(flows.items())]


def flow_of_source(source: bytes, filename: str, name: str | None) -> "Flow":
    """Return a flow by executing code, as `flow_of_file` does."""
    return _found(_executed(source, filename), name, filename)


def let_import_from(folder: str) -> None:
    """Let what lies in a folder be imported, as what lies beside a script can be.

    After the standard library: a flow file called `random.py` must not be what others get for `import random`.
    """
    if folder in _folders and folder in sys.path:
        # First again, before those of other flow files.
        sys.path.remove(folder)
    elif folder in sys.path:
        return
    _folders.add(folder)
    standard = [index for index, place in enumerate(sys.path) if place.startswith(_STANDARD) and not _has_sites(place)]
    sys.path.insert(max(standard, default=-1) + 1, folder)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FlowError(f"The flow file {path} cannot be read: {error.strerror or error}.") from None


def _executed(source: bytes, filename: str) -> list[Any]:
    """Return the values of a module's variables, by executing its code."""
    module = ModuleType(_MODULE)
    module.__file__ = filename
    # Pickle and dataclasses look a class's module up by name.
    sys.modules[_MODULE] = module
    _forget_namesakes(Path(filename).parent)
    let_import_from(str(Path(filename).parent))
    token = is_loading.set(True)
    try:
        exec(compile(source, filename, "exec"), module.__dict__)  # noqa: S102 - the user's own flow file
    except Exception as error:
        raise _failure(error, filename) from error
    finally:
        is_loading.reset(token)
    return list(vars(module).values())


def _has_sites(place: str) -> bool:
    return Path(place).name in {"site-packages", "dist-packages"}


def _forget_namesakes(folder: Path) -> None:
    """Forget what earlier flow files have imported from their own folders and this folder has under the same name.

    Else the second of two `helpers.py` would silently be the first.
    """
    others = _folders - {str(folder)}
    for name in {name.partition(".")[0] for name in sys.modules} if others else ():
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is None or not others & {str(Path(file).parent), str(Path(file).parent.parent)}:
            continue
        if (folder / f"{name}.py").exists() or (folder / name / "__init__.py").exists():
            for known in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
                del sys.modules[known]


def _failure(error: Exception, filename: str) -> FlowError:
    """Return how a flow file failed: in which of its lines, and what the error itself advises."""
    if isinstance(error, SyntaxError) and error.filename == filename:
        line, told = error.lineno, error.msg
    else:
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == filename]
        line, told = (lines[-1] if lines else None), error.message if isinstance(error, EparchError) else str(error)
    where = f" in line {line}" if line else ""
    hint = error.hint if isinstance(error, EparchError) else ""
    text = ": ".join(filter(None, (type(error).__name__, told.rstrip("."))))
    return FlowError(f"The flow file {filename} fails{where}: {text}.", hint=hint)


def flow_of_module(name: str, flow_name: str | None) -> "Flow":
    """Return a flow by importing a module, or what a dotted path names inside one.

    Raises:
        FlowError: it cannot be imported, or has no such flow.
    """
    token = is_loading.set(True)
    try:
        module, attribute = _imported(name)
    finally:
        is_loading.reset(token)
    if attribute is not None:
        made = attribute() if callable(attribute) and not _is_flow(attribute) else attribute
        return _found([made], flow_name, name)
    return _found(vars(module).values(), flow_name, f"module {name}")


def flow_of_pickle(data: bytes, name: str, place: str) -> "Flow":
    """Return a flow out of a pickle.

    Raises:
        FlowError: it cannot be unpickled here, or is something else.
    """
    import cloudpickle

    try:
        found = cloudpickle.loads(data)
    except Exception as error:
        raise FlowError(
            f"Flow {name!r} cannot be unpickled: {error!r}.",
            hint="it needs the modules and versions that it was registered with; a flow in a file needs no pickle",
        ) from error
    return _found([found], name, place)


def _imported(name: str) -> tuple[ModuleType, Any]:
    try:
        return importlib.import_module(name), None
    except ModuleNotFoundError as error:
        parent, _, attribute = name.rpartition(".")
        # Only when it is this very name that is not a module: a module that misses one of its own says so itself.
        if error.name != name or not parent:
            raise FlowError(f"Module {name!r} cannot be imported: {error}.") from None
    try:
        module = importlib.import_module(parent)
        return module, getattr(module, attribute)
    except (ImportError, AttributeError) as error:
        raise FlowError(f"Module {name!r} cannot be imported: {error}.") from None


def _is_flow(value: object) -> bool:
    from eparch.sdk.flows import Flow

    return isinstance(value, Flow)


def _found(values: Iterable[Any], name: str | None, place: str) -> "Flow":
    flows = {value.name: value for value in values if _is_flow(value)}
    if name is None and len(flows) == 1:
        return next(iter(flows.values()))  # type: ignore[no-any-return]
    if name in flows:
        return flows[name]  # type: ignore[no-any-return]
    if not flows:
        raise UnclearFlow(f"There is no flow in {place}.", hint="the flow must be a variable of the file")
    if name is None:
        raise UnclearFlow(
            f"There are several flows in {place}: {', '.join(sorted(flows))}.", hint="say which by its name"
        )
    close = get_close_matches(name, flows, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"there is {', '.join(sorted(flows))}"
    raise FlowError(f"There is no flow {name!r} in {place}.", hint=hint)
