"""Register a flow that its storage does not hold: register_lost.py PROJECT; prints its id.

Runs in the guest's environment.
"""

import json
import sys

from prefect import Client, Flow, Task
from prefect.storage import Local

flow = Flow("lost", tasks=[Task("nothing")])
flow.storage = Local(path="/nowhere/lost.py", stored_as_script=True, add_default_labels=False)
print(json.dumps(Client().register(flow, project_name=sys.argv[1], build=False, no_url=True)))
