"""Whether a result from before may be used instead of running a task again.

In charge of the validators; not in charge of finding earlier results (`engine.cache`, or the server). A validator of
your own is a function of (state, inputs, parameters) that returns True when the state's result may be used.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from eparch.sdk.format import CACHE_VALIDATORS
from eparch.sdk.states import Cached

Inputs: TypeAlias = Mapping[str, Any]
CacheValidator: TypeAlias = Callable[[Cached, Any, Any], bool]


def never_use(state: Cached, inputs: Inputs, parameters: Inputs) -> bool:  # noqa: ARG001 - all take the same
    """Never use an earlier result.

    Example:
        >>> never_use(Cached(result=1), {}, {})
        False
    """
    return False


def duration_only(state: Cached, inputs: Inputs, parameters: Inputs) -> bool:  # noqa: ARG001
    """Use an earlier result until it expires.

    Example:
        >>> duration_only(Cached(result=1), {}, {})
        True
    """
    return state.cached_result_expiration is None or state.cached_result_expiration > datetime.now(UTC)


def all_inputs(state: Cached, inputs: Inputs, parameters: Inputs) -> bool:
    """Use an earlier result until it expires, if every input was the same.

    Example:
        >>> earlier = Cached(result=1, hashed_inputs=digests({"x": 1}))
        >>> all_inputs(earlier, {"x": 1}, {}), all_inputs(earlier, {"x": 2}, {})
        (True, False)
    """
    return duration_only(state, inputs, parameters) and _earlier_inputs(state) == digests(inputs)


def all_parameters(state: Cached, inputs: Inputs, parameters: Inputs) -> bool:
    """Use an earlier result until it expires, if every parameter of the flow was the same.

    Example:
        >>> all_parameters(Cached(result=1, cached_parameters={"day": "monday"}), {}, {"day": "friday"})
        False
    """
    return duration_only(state, inputs, parameters) and (state.cached_parameters or {}) == dict(parameters or {})


@dataclass(frozen=True, slots=True)
class _Partial:
    name: str
    validate_on: tuple[str, ...] | None

    @property
    def __format_name__(self) -> str:
        return f"{CACHE_VALIDATORS}.{self.name}"

    @property
    def format_arguments(self) -> dict[str, Any]:
        return {"validate_on": None if self.validate_on is None else list(self.validate_on)}

    def __call__(self, state: Cached, inputs: Inputs, parameters: Inputs) -> bool:
        if not duration_only(state, inputs, parameters):
            return False
        before: Mapping[str, Any]
        if self.name == "partial_inputs_only":
            before, now = _earlier_inputs(state), digests(inputs)
        else:
            before, now = state.cached_parameters or {}, dict(parameters or {})
        names = self.validate_on or ()
        return all(name in before and name in now and before[name] == now[name] for name in names)


def partial_inputs_only(validate_on: Iterable[str] | None = None) -> CacheValidator:
    """Return a validator: until it expires, if the named inputs were the same.

    Example:
        >>> validator = partial_inputs_only(["day"])
        >>> earlier = Cached(result=1, hashed_inputs=digests({"day": "monday", "n": 1}))
        >>> validator(earlier, {"day": "monday", "n": 2}, {}), validator(earlier, {"day": "friday", "n": 1}, {})
        (True, False)
    """
    return _Partial("partial_inputs_only", None if validate_on is None else tuple(validate_on))


def partial_parameters_only(validate_on: Iterable[str] | None = None) -> CacheValidator:
    """Return a validator: until it expires, if the named parameters of the flow were the same.

    Example:
        >>> validator = partial_parameters_only(["day"])
        >>> validator(Cached(result=1, cached_parameters={"day": "monday", "n": 1}), {}, {"day": "monday", "n": 2})
        True
    """
    return _Partial("partial_parameters_only", None if validate_on is None else tuple(validate_on))


for _validator in (never_use, duration_only, all_inputs, all_parameters):
    _validator.__format_name__ = f"{CACHE_VALIDATORS}.{_validator.__name__}"  # type: ignore[attr-defined]


def digests(inputs: Inputs) -> dict[str, str]:
    """Return a digest of each input: equal digests mean equal pickles, so equal values.

    Example:
        >>> digests({"x": 1}) == digests({"x": 1}), digests({"x": 1}) == digests({"x": 2})
        (True, False)
    """
    import hashlib

    import cloudpickle

    return {name: hashlib.sha256(cloudpickle.dumps(value)).hexdigest() for name, value in inputs.items()}


def _earlier_inputs(state: Cached) -> Mapping[str, str]:
    if state.hashed_inputs is not None:
        return state.hashed_inputs
    return digests(state.cached_inputs or {})
