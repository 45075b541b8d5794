"""A database that looks as if people had worked with it for a month.

In charge of what is in it and of writing it fast; not in charge of options (`seed.py`).
"""
