"""Agents: they take runs out of the queue, start each in its environment, and watch over it.

In charge of starting and of watching; not in charge of carrying a run out (`eparch.sdk.engine`), which happens in the
process, container or job that an agent starts.
"""
