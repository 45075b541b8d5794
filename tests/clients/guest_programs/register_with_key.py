"""Register one flow with an idempotency key: register_with_key.py PROJECT FILE NAME KEY [uncompressed]; prints its id.

Runs in the guest's environment.
"""

import json
import runpy
import sys

from prefect import Client, Flow
from prefect.storage import Local

project, path, name, key, *options = sys.argv[1:]
Client().create_project(project)
(flow,) = [value for value in runpy.run_path(path).values() if isinstance(value, Flow) and value.name == name]
flow.storage = Local(path=path, stored_as_script=True, add_default_labels=False)
flow_id = Client().register(
    flow, project_name=project, compressed="uncompressed" not in options, no_url=True, idempotency_key=key
)
print(json.dumps(flow_id))
