"""`eparch doctor`: what is wrong with this installation, and what to do.

In charge of looking and of telling; nothing is changed. What is looked at: this machine (`installation`), the server
that is spoken to (`server`), and what the server says of its agents and runs (`work`).
"""
