"""Provoke errors through the published client and print what it makes of each: {case: class of what it raised, text}.

Runs in the guest's environment.
"""

import json
import uuid

from prefect import Client

client = Client()
nobody = str(uuid.uuid4())


def outcome(call):
    try:
        return ["returned", str(call())]
    except BaseException as error:  # a version lock is a BaseException
        return [type(error).__name__, str(error)]


first = client.create_project("probed")
cases = {
    "unknown field": lambda: client.graphql("query { nope }"),
    "syntax error": lambda: client.graphql("query { hello"),
    "state of an unknown run": lambda: client.get_flow_run_state(nobody),
    "info of an unknown run": lambda: client.get_flow_run_info(nobody),
    "state for an unknown run": lambda: client.graphql(
        "mutation($input: set_flow_run_states_input!) { set_flow_run_states(input: $input) { states { status } } }",
        variables={"input": {"states": [{"flow_run_id": nobody, "state": {"type": "Running"}}]}},
    ),
    "a project again": lambda: client.create_project("probed"),
    "a run of an unknown flow": lambda: client.create_flow_run(flow_id=nobody),
    "hello": lambda: client.graphql("query { hello }"),
}
print(json.dumps({name: outcome(call) for name, call in cases.items()} | {"project": first}))
