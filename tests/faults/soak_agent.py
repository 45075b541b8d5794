"""An agent that runs what it claims, over servers that may be gone at any moment, and that may be killed itself.

In charge of carrying out runs by version, as a client under version locking does, and of a journal of what it was told;
not in charge of killing anything (`soak`) nor of judging (`soak_judge`). As a program:

    python -m tests.faults.soak_agent SEED JOURNAL PORT [PORT ...]

Each line of the journal is JSON, written with one call before the next request is sent: `state` for a state that a
server acknowledged, with the version from which it was entered; `effect` for work done by a task; `log` for a line that
a server took.
"""

import http.client
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

TASKS = 4
_TIMEOUT_S = 8.0
_PAUSE_S = 0.1
# A claim waits, so that the long-polls of other servers are put to the test.
_CLAIM_WAIT_S = 2.0

FINISHED = frozenset({"Success", "Failed", "Cancelled", "TimedOut", "TriggerFailed", "Skipped", "Finished"})

_CLAIM = """mutation ($i: claim_flow_runs_input!) {
    claim_flow_runs(input: $i) { flow_runs { id version flow { id } task_runs { id version } } } }"""
_STATE = {
    kind: f"mutation ($i: set_{kind}_states_input!) {{ set_{kind}_states(input: $i) {{ states {{ status }} }} }}"
    for kind in ("flow_run", "task_run")
}
_FIND = {
    kind: f"query ($id: uuid!) {{ found: {kind}_by_pk(id: $id) {{ version state serialized_state }} }}"
    for kind in ("flow_run", "task_run")
}
_TASK_RUNS = """query ($r: uuid!) {
    found: task_run(where: {flow_run_id: {_eq: $r}}, order_by: {task: {slug: asc}}) { id version state } }"""
_BEAT = {
    kind: f"mutation ($i: update_{kind}_heartbeat_input!) {{ update_{kind}_heartbeat(input: $i) {{ success }} }}"
    for kind in ("flow_run", "task_run")
}
_LOG = "mutation ($i: write_run_logs_input!) { write_run_logs(input: $i) { success } }"


class Refused(Exception):
    """A server has refused, and asking again will not help: another process carries the run out, or it is over."""


class Unanswered(Exception):
    """No answer: whether the request was carried out is unknown."""


class Servers:
    """Some servers over one database, of which a few may be gone."""

    def __init__(self, ports: list[int], chance: random.Random) -> None:
        self._ports = ports
        self._chance = chance

    def ask(self, document: str, /, **variables: Any) -> Any:
        """Ask one of them once.

        Raises:
            Unanswered: it is gone, or its database is.
            Refused: it answered with an error.
        """
        body = json.dumps({"query": document, "variables": variables})
        connection = http.client.HTTPConnection("127.0.0.1", self._chance.choice(self._ports), timeout=_TIMEOUT_S)
        try:
            connection.request("POST", "/graphql", body, {"content-type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:
            raise Unanswered from error
        finally:
            connection.close()
        if errors := answer.get("errors"):
            code = errors[0].get("extensions", {}).get("code")
            if code == "API_ERROR" or response.status == 503:
                raise Unanswered(errors[0]["message"])
            raise Refused(f"{code}: {errors[0]['message']}")
        (value,) = answer["data"].values()
        return value

    def insist(self, document: str, /, **variables: Any) -> Any:
        """Ask until one of them answers; only for what may be done twice."""
        while True:
            try:
                return self.ask(document, **variables)
            except Unanswered:
                time.sleep(_PAUSE_S)


class Agent:
    """Claims runs and carries them out, one after the other, for ever."""

    def __init__(self, seed: int, journal: Path, ports: list[int]) -> None:
        self._chance = random.Random(seed)
        self._servers = Servers(ports, self._chance)
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._name = f"{seed}-{os.getpid()}"

    def work(self) -> None:
        """Go on until killed."""
        while True:
            try:
                claimed = self._servers.ask(_CLAIM, i={"labels": [], "limit": 2, "wait_s": _CLAIM_WAIT_S})["flow_runs"]
            except Unanswered:
                # What it may have claimed is found by Lazarus.
                time.sleep(_PAUSE_S)
                continue
            for run in claimed:
                try:
                    self._carry_out(run["id"], run["version"])
                except Refused as refusal:
                    self._note("refused", run["id"], why=str(refusal))

    def _carry_out(self, run_id: str, version: int) -> None:
        version = self._enter("flow_run", run_id, version, "Running")
        is_good = True
        for task_run in self._servers.insist(_TASK_RUNS, r=run_id):
            state = task_run["state"]
            if state not in FINISHED:
                self._run_task(run_id, task_run["id"], task_run["version"])
                state = "Success"
            is_good = is_good and state == "Success"
        self._enter("flow_run", run_id, version, "Success" if is_good else "Failed")

    def _run_task(self, run_id: str, task_run_id: str, version: int) -> None:
        version = self._enter("task_run", task_run_id, version, "Running")
        self._note("effect", task_run_id, version=version)
        for kind, beating in (("flow_run", run_id), ("task_run", task_run_id)):
            self._servers.insist(_BEAT[kind], i={f"{kind}_id": beating})
        time.sleep(self._chance.uniform(0, 0.05))
        mark = str(uuid4())
        line = {"flow_run_id": run_id, "task_run_id": task_run_id, "name": "soak", "level": "INFO", "message": mark}
        self._servers.insist(_LOG, i={"logs": [line]})
        self._note("log", run_id, mark=mark)
        self._enter("task_run", task_run_id, version, "Success")

    def _enter(self, kind: str, run_id: str, version: int, state: str) -> int:
        """Let a run enter a state; return its version then.

        Raises:
            Refused: somebody else has changed the run since `version`.
        """
        mark = str(uuid4())
        change = {f"{kind}_id": run_id, "version": version, "state": {"type": state, "message": mark}}
        while True:
            try:
                (answer,) = self._servers.ask(_STATE[kind], i={"states": [change]})["states"]
            except Unanswered:
                time.sleep(_PAUSE_S)
                # It may have been carried out: then the run says so itself.
                found = self._servers.insist(_FIND[kind], id=run_id)
                if found is None or (found["version"] != version and _message(found) != mark):
                    raise Refused(f"{kind} {run_id} went on from version {version} by itself") from None
                if found["version"] == version:
                    continue
            else:
                if answer["status"] != "SUCCESS":
                    raise Refused(f"{kind} {run_id}: {answer['status']}")
            self._note("state", run_id, kind=kind, version=version, state=state, mark=mark)
            return version + 1

    def _note(self, what: str, run_id: str, **more: Any) -> None:
        line = json.dumps({"what": what, "id": run_id, "agent": self._name, **more}) + "\n"
        os.write(self._journal, line.encode())


def _message(found: dict[str, Any]) -> Any:
    return (found["serialized_state"] or {}).get("message")


if __name__ == "__main__":
    Agent(int(sys.argv[1]), Path(sys.argv[2]), [int(port) for port in sys.argv[3:]]).work()
