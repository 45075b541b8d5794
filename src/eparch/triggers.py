"""When a task runs, judged by what came before it. See `eparch.sdk.triggers`."""

from eparch.sdk.triggers import all_failed as all_failed
from eparch.sdk.triggers import all_finished as all_finished
from eparch.sdk.triggers import all_successful as all_successful
from eparch.sdk.triggers import always_run as always_run
from eparch.sdk.triggers import any_failed as any_failed
from eparch.sdk.triggers import any_successful as any_successful
from eparch.sdk.triggers import manual_only as manual_only
from eparch.sdk.triggers import not_all_skipped as not_all_skipped
from eparch.sdk.triggers import some_failed as some_failed
from eparch.sdk.triggers import some_successful as some_successful
