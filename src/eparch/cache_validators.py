"""Whether a result from before may be used instead of running a task again. See `eparch.sdk.caching`."""

from eparch.sdk.caching import all_inputs as all_inputs
from eparch.sdk.caching import all_parameters as all_parameters
from eparch.sdk.caching import duration_only as duration_only
from eparch.sdk.caching import never_use as never_use
from eparch.sdk.caching import partial_inputs_only as partial_inputs_only
from eparch.sdk.caching import partial_parameters_only as partial_parameters_only
