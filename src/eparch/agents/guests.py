"""Flows that Prefect's own library registered: what its command needs to run one.

In charge of the variables and the words; not in charge of starting it.
"""

from typing import Final

from eparch.agents.agent import Agent, Claimed

COMMAND: Final = ("-m", "prefect", "execute", "flow-run")
"""The words behind the interpreter that has Prefect 1.x."""


def prefect_environment(agent: Agent, run: Claimed, api_url: str) -> dict[str, str]:
    """Return the variables by which Prefect's command finds the server and the run.

    Args:
        api_url: where the server is, as seen from where the run is carried out.
    """
    key = agent.client.api_key
    return {
        "PREFECT__BACKEND": "cloud" if key else "server",
        "PREFECT__CLOUD__API": api_url,
        "PREFECT__CLOUD__ENDPOINT": api_url,
        "PREFECT__CLOUD__AGENT__LABELS": repr(agent.labels),
        "PREFECT__CONTEXT__FLOW_RUN_ID": run.id,
        "PREFECT__CLOUD__USE_LOCAL_SECRETS": "false" if key else "true",
        "PREFECT__CLOUD__SEND_FLOW_RUN_LOGS": "true",
        "PREFECT__ENGINE__FLOW_RUNNER__DEFAULT_CLASS": "prefect.engine.cloud.CloudFlowRunner",
        "PREFECT__ENGINE__TASK_RUNNER__DEFAULT_CLASS": "prefect.engine.cloud.CloudTaskRunner",
        **({"PREFECT__CLOUD__API_KEY": key} if key else {}),
        **({"PREFECT__CLOUD__TENANT_ID": agent.client.tenant_id} if agent.client.tenant_id else {}),
    }
