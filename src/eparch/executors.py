"""Where the tasks of a flow run. See `eparch.sdk.executors`."""

from eparch.sdk.executors.dask import DaskExecutor as DaskExecutor
from eparch.sdk.executors.executor import Executor as Executor
from eparch.sdk.executors.local import LocalExecutor as LocalExecutor
from eparch.sdk.executors.local_dask import LocalDaskExecutor as LocalDaskExecutor
from eparch.sdk.executors.processes import ProcessExecutor as ProcessExecutor
from eparch.sdk.executors.threads import ThreadExecutor as ThreadExecutor
