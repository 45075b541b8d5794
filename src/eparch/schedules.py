"""When a flow starts by itself: clocks, filters and adjustments. See `eparch.sdk.schedules`."""

from eparch.sdk.schedules import adjustments as adjustments
from eparch.sdk.schedules import clocks as clocks
from eparch.sdk.schedules import filters as filters
from eparch.sdk.schedules.clocks import Cron as Cron
from eparch.sdk.schedules.clocks import CronClock as CronClock
from eparch.sdk.schedules.clocks import Dates as Dates
from eparch.sdk.schedules.clocks import DatesClock as DatesClock
from eparch.sdk.schedules.clocks import Interval as Interval
from eparch.sdk.schedules.clocks import IntervalClock as IntervalClock
from eparch.sdk.schedules.clocks import RRule as RRule
from eparch.sdk.schedules.clocks import RRuleClock as RRuleClock
from eparch.sdk.schedules.schedule import CronSchedule as CronSchedule
from eparch.sdk.schedules.schedule import IntervalSchedule as IntervalSchedule
from eparch.sdk.schedules.schedule import Schedule as Schedule
