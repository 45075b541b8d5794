"""Running a flow.

In charge of what is ready, of what it becomes and of doing it; not in charge of where tasks run (`executors`) nor of
the server (`eparch.client`).

    flow --compiled--> Plan --Machine--> Ready --prepared--> Attempt --executor--> Outcome --Machine--> ...

`plan`, `machine`, `decisions` and `inputs` are pure: no clock, no threads, no files; instants are passed in. `attempts`
calls the user's code, wherever the executor puts it. `driver` is the loop that joins them.
"""
