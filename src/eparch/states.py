"""The states of flow runs and task runs. See `eparch.sdk.states`."""

from eparch.sdk.states import Cached as Cached
from eparch.sdk.states import Cancelled as Cancelled
from eparch.sdk.states import Cancelling as Cancelling
from eparch.sdk.states import ClientFailed as ClientFailed
from eparch.sdk.states import Failed as Failed
from eparch.sdk.states import Finished as Finished
from eparch.sdk.states import Looped as Looped
from eparch.sdk.states import Mapped as Mapped
from eparch.sdk.states import Paused as Paused
from eparch.sdk.states import Pending as Pending
from eparch.sdk.states import Queued as Queued
from eparch.sdk.states import Resume as Resume
from eparch.sdk.states import Retrying as Retrying
from eparch.sdk.states import Running as Running
from eparch.sdk.states import Scheduled as Scheduled
from eparch.sdk.states import Skipped as Skipped
from eparch.sdk.states import State as State
from eparch.sdk.states import Submitted as Submitted
from eparch.sdk.states import Success as Success
from eparch.sdk.states import TimedOut as TimedOut
from eparch.sdk.states import TriggerFailed as TriggerFailed
from eparch.sdk.states import ValidationFailed as ValidationFailed
