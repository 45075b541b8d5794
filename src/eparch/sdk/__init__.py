"""What a user of Eparch imports: flows, tasks, parameters, results, executors, schedules.

In charge of building a flow and of running it; not in charge of talking to a server (`eparch.client`). The names here
are re-exported, lazily, by `eparch` itself: write `from eparch import flow, task`.
"""
