"""The command line: thin commands, each imported only when it is called.

Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 called wrongly. An error is one sentence
and a hint; EPARCH_DEBUG=1 adds the traceback.
"""
