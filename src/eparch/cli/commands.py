"""In charge of the list of commands; not in charge of what they do (the modules that it names) nor of calling them."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Command:
    """A command: the words that call it, where its function is, and one sentence on what it does.

    Attributes:
        words: such as "server start".
        target: "module:function"; imported when the command is called or when its own help is asked for. The function's
            docstring is the text of that help, its parameters are the options, and it returns the exit code or None.
        purpose: one sentence for the list of commands.
    """

    words: str
    target: str
    purpose: str


COMMANDS: Final = (
    Command("demo", "eparch.cli.demo.command:demo", "Start a server, an agent and example flows."),
    Command("server start", "eparch.cli.server:start", "Run the server."),
    Command("services run", "eparch.cli.services:run", "Run services apart from the API."),
    Command("register", "eparch.cli.register:register", "Register the flows in files."),
    Command("run", "eparch.cli.run:run", "Make a run of a flow, or run a flow file here."),
    Command("logs", "eparch.cli.run:logs", "Print the log of a flow run."),
    Command("cancel", "eparch.cli.changes:cancel", "Cancel flow runs."),
    Command("restart", "eparch.cli.changes:restart", "Run what failed in a flow run once more."),
    Command("approve", "eparch.cli.approvals:approve", "Let go on what waits for approval."),
    Command("agent start local", "eparch.cli.agent:start_local", "Run flows as processes of this machine."),
    Command("agent start docker", "eparch.cli.agent:start_docker", "Run flows as Docker containers."),
    Command("agent start kubernetes", "eparch.cli.agent:start_kubernetes", "Run flows as Kubernetes jobs."),
    Command("get flows", "eparch.cli.get:flows", "List flows."),
    Command("get flow-runs", "eparch.cli.get:flow_runs", "List flow runs."),
    Command("get task-runs", "eparch.cli.get:task_runs", "List task runs."),
    Command("get agents", "eparch.cli.get:agents", "List agents."),
    Command("get projects", "eparch.cli.get:projects", "List projects."),
    Command("get logs", "eparch.cli.get:logs", "List log lines of all runs."),
    Command("get artifacts", "eparch.cli.get:artifacts", "List artifacts."),
    Command("describe flow", "eparch.cli.describe:flow", "Show a flow."),
    Command("describe flow-run", "eparch.cli.describe:flow_run", "Show a flow run."),
    Command("describe task-run", "eparch.cli.describe:task_run", "Show a task run."),
    Command("describe agent", "eparch.cli.describe:agent", "Show an agent."),
    Command("describe project", "eparch.cli.describe:project", "Show a project."),
    Command("delete flow", "eparch.cli.delete:flow", "Delete a flow, all its versions and runs."),
    Command("delete flow-run", "eparch.cli.delete:flow_run", "Delete a flow run."),
    Command("delete project", "eparch.cli.delete:project", "Delete a project and all in it."),
    Command("delete agent", "eparch.cli.delete:agent", "Forget an agent."),
    Command("archive", "eparch.cli.switches:archive", "Archive flows: keep what they did, and run them no more."),
    Command("unarchive", "eparch.cli.switches:unarchive", "Take flows out of the archive."),
    Command("schedule on", "eparch.cli.switches:schedule_on", "Switch schedules of flows on."),
    Command("schedule off", "eparch.cli.switches:schedule_off", "Switch schedules of flows off."),
    Command("backfill create", "eparch.cli.backfills:create", "Make the runs of a part of a schedule's past."),
    Command("backfill list", "eparch.cli.backfills:list_", "List backfills."),
    Command("backfill show", "eparch.cli.backfills:show", "Show a backfill: how far it is, what became of its runs."),
    Command("backfill cancel", "eparch.cli.backfills:cancel", "Make no more runs for a backfill."),
    Command("queue show", "eparch.cli.switches:show", "Show whether agents are given runs, and how many wait."),
    Command("queue pause", "eparch.cli.switches:pause", "Give agents no runs for the time being."),
    Command("queue resume", "eparch.cli.switches:resume", "Give agents runs again."),
    Command("project list", "eparch.cli.get:projects", "List projects."),
    Command("project create", "eparch.cli.projects:create", "Make a project."),
    Command("project delete", "eparch.cli.delete:project", "Delete a project and all in it."),
    Command("profile list", "eparch.cli.profiles:list_", "List profiles."),
    Command("profile show", "eparch.cli.profiles:show", "Show which server and key are in effect."),
    Command("profile use", "eparch.cli.profiles:use", "Use a profile from now on."),
    Command("profile create", "eparch.cli.profiles:create", "Make a profile."),
    Command("profile set", "eparch.cli.profiles:set_", "Change a profile."),
    Command("profile delete", "eparch.cli.profiles:delete", "Delete a profile."),
    Command("doctor", "eparch.cli.doctor.command:doctor", "Look for what is wrong, and say what to do."),
    Command("db upgrade", "eparch.cli.database:upgrade", "Bring the database to this version's tables."),
    Command("db current", "eparch.cli.database:current", "Print the revision of the database."),
    Command("db check", "eparch.cli.database:check", "Fail unless the database has this version's tables."),
    Command("concurrency list", "eparch.cli.concurrency:list_", "List limits, and how much of each is in use."),
    Command("concurrency set", "eparch.cli.concurrency:set_", "Limit how many runs with a tag or label go on at once."),
    Command("concurrency delete", "eparch.cli.concurrency:delete", "Delete a limit."),
    Command("kv list", "eparch.cli.key_values:list_", "List keys and their values."),
    Command("kv get", "eparch.cli.key_values:get", "Print a value."),
    Command("kv set", "eparch.cli.key_values:set_", "Set a value."),
    Command("kv delete", "eparch.cli.key_values:delete", "Delete a key and its value."),
    Command("secret list", "eparch.cli.secrets:list_", "List the names of secrets."),
    Command("secret set", "eparch.cli.secrets:set_", "Keep a secret, which is typed or read from stdin."),
    Command("secret delete", "eparch.cli.secrets:delete", "Delete a secret."),
    Command("secret keys", "eparch.cli.secret_keys:keys", "Print the keys of secrets, and how many each encrypts."),
    Command("secret rotate-key", "eparch.cli.secret_keys:rotate_key", "Encrypt secrets with a new key from now on."),
    Command("secret forget-key", "eparch.cli.secret_keys:forget_key", "Remove a key that encrypts no secret any more."),
    Command("db size", "eparch.cli.storage:size", "Print sizes, growth, and what retention would free."),
    Command("db backup", "eparch.cli.storage:backup", "Copy a SQLite database to a file, also beside a server."),
    Command("db move", "eparch.cli.storage:move", "Copy a SQLite database to PostgreSQL."),
    Command("db compact", "eparch.cli.database:compact", "Give the free space of a SQLite file back."),
    Command("config", "eparch.cli.config:config", "Print every setting, its value and where it came from."),
    Command("version", "eparch.cli.config:version", "Print the version."),
)

GROUPS: Final = {
    "server": "The server: API, services and web UI.",
    "services": "What happens without a request: the scheduler and others.",
    "agent": "Agents: they take runs from the server and start them.",
    "agent start": "Start an agent.",
    "get": "List what is on the server.",
    "describe": "Show one thing in full.",
    "delete": "Delete something, after asking.",
    "project": "Projects, which flows belong to.",
    "schedule": "Schedules of flows, on and off.",
    "backfill": "Backfills: runs for a part of a schedule's past, a few at a time.",
    "queue": "The work queue: what agents are given.",
    "profile": "Profiles: the servers you speak to, and the keys you show them.",
    "db": "The database.",
    "concurrency": "Limits: how many runs with a tag or a label are carried out at once.",
    "kv": "Key-value pairs: JSON that flows keep between their runs.",
    "secret": "Secrets and the keys that encrypt them.",
}
"""The words that commands of several words begin with, each with one sentence on what they are about."""
