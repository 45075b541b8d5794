"""In charge of giving a command an option for each setting it uses; not in charge of the settings themselves."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

from cyclopts import Parameter

from eparch.server.settings import Resolved, Row, resolve, rows


def with_settings(*names: str) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Return a decorator: the function's first parameter becomes options for settings, and gets the resolved settings.

    Args:
        names: the settings to offer as options; all when empty.
    """
    offered = [row for row in rows() if not row.is_key and (not names or row.name in names)]

    def decorate(function: Callable[..., int | None]) -> Callable[..., int | None]:
        def call(*words: Any, **given: Any) -> int | None:
            resolved: Resolved = resolve({row.name: given.pop(row.name, None) for row in offered})
            return function(resolved, *words, **given)

        own = list(inspect.signature(function).parameters.values())[1:]
        call.__doc__ = function.__doc__
        call.__signature__ = inspect.Signature([*own, *map(_option, offered)])  # type: ignore[attr-defined]
        return call

    return decorate


def _option(row: Row) -> inspect.Parameter:
    # Values stay text here: whether they come from an option or from elsewhere, one place checks them.
    kind = bool | None if row.is_switch else str | None
    default = f"; default {row.default}" if row.default else ""
    text = f"{row.purpose} [{row.kind}{default}; {row.variable}]"
    annotation = Annotated[kind, Parameter(name=row.flag, help=text)]  # type: ignore[valid-type]
    return inspect.Parameter(row.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
