from eparch.sdk.executors.local import LocalExecutor as LocalExecutor
from eparch.sdk.executors.threads import ThreadExecutor as ThreadExecutor
