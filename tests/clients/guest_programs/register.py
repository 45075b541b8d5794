"""Register flows with `flow.register()`: register.py PROJECT FILE...; prints {name: id} as JSON.

Runs in the guest's environment. The flows are stored as scripts, without the labels that name this host.
"""

import json
import runpy
import sys

from prefect import Client, Flow
from prefect.storage import Local

project, paths = sys.argv[1], sys.argv[2:]
Client().create_project(project)
ids = {}
for path in paths:
    for value in runpy.run_path(path).values():
        if isinstance(value, Flow):
            value.storage = Local(path=path, stored_as_script=True, add_default_labels=False)
            ids[value.name] = value.register(project, no_url=True)
print(json.dumps(ids))
