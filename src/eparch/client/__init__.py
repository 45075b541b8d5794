"""Talking to an Eparch server, or to any server that speaks as Prefect's of version 1 did.

In charge of HTTP, of addresses and keys, and of telling a server what runs do; not in charge of flows and tasks
(`eparch.sdk`): what passes through here is JSON.
"""
