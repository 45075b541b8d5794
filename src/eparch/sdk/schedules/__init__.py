"""When a flow starts by itself: clocks, filters and adjustments.

In charge of what a user writes and of its document; not in charge of the instants that follow from it
(`eparch.core.schedules`, which the server asks too).
"""
