"""Names in the serialized form that Eparch shares with Prefect 1.x.

In charge of the names under which the built-in tasks, triggers, validators,
filters and adjustments are written; not in charge of the documents themselves. The names are part of the format, so
that a Prefect 1.x client reads our documents and we read theirs: they say nothing about where the code is.
"""

from typing import Final

from eparch.client.marks import FORMAT_VERSION as FORMAT_VERSION

FLOW: Final = "prefect.core.flow.Flow"
FUNCTION_TASK: Final = "prefect.tasks.core.function.FunctionTask"
TRIGGERS: Final = "prefect.triggers"
CACHE_VALIDATORS: Final = "prefect.engine.cache_validators"
FILTERS: Final = "prefect.schedules.filters"
ADJUSTMENTS: Final = "prefect.schedules.adjustments"


def qualified_name(thing: object) -> str:
    """Return the name that a document gives to a class or function.

    Built-in ones say theirs in `__format_name__`; all others are called by module and name.
    """
    # A class of a user's own below a built-in one has a name of its own.
    own = vars(thing).get("__format_name__") if isinstance(thing, type) else getattr(thing, "__format_name__", None)
    if own is not None:
        return str(own)
    return f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', type(thing).__qualname__)}"
