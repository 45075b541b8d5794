"""`eparch demo`: a server, an agent, and flows that succeed, fail, wait, map and start each other.

In charge of showing the whole in one command: the stage and the curtain (`command`), the processes (`children`), which
runs there are and what they are to become (`story`), and the flows, which know nothing of all this (`flows`).
"""
