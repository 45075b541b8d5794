"""What a task raises to choose its own state. See `eparch.sdk.signals`."""

from eparch.sdk.signals import ENDRUN as ENDRUN
from eparch.sdk.signals import FAIL as FAIL
from eparch.sdk.signals import LOOP as LOOP
from eparch.sdk.signals import PAUSE as PAUSE
from eparch.sdk.signals import RETRY as RETRY
from eparch.sdk.signals import SKIP as SKIP
from eparch.sdk.signals import SUCCESS as SUCCESS
from eparch.sdk.signals import TRIGGERFAIL as TRIGGERFAIL
from eparch.sdk.signals import VALIDATIONFAIL as VALIDATIONFAIL
from eparch.sdk.signals import Signal as Signal
