"""What a task leaves for people to see: links, texts, tables, and how far it is.

In charge of sending artifacts to the server; not in charge of showing them. In a run that no server knows there is
nowhere to leave them: then they are logged, and their id is None.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from eparch.sdk.context import context
from eparch.sdk.errors import FlowError
from eparch.sdk.run_server import run_client

_logger: Final = logging.getLogger("eparch.artifacts")


def create_link_artifact(link: str) -> str | None:
    """Leave a link with the task run in progress, and return the artifact's id.

    Example:
        >>> create_link_artifact("https://example.org/report/7")
    """
    return _created("link", {"link": link})


def update_link_artifact(task_run_artifact_id: str | None, link: str) -> None:
    """Put another link in place of an artifact's.

    Example:
        >>> update_link_artifact(create_link_artifact("https://example.org/7"), "https://example.org/8")
    """
    _updated(task_run_artifact_id, "link", {"link": link})


def create_markdown_artifact(markdown: str) -> str | None:
    """Leave a text in Markdown with the task run in progress, and return the artifact's id.

    Example:
        >>> create_markdown_artifact("# 3 rows are wrong")
    """
    return _created("markdown", {"markdown": markdown})


def update_markdown_artifact(task_run_artifact_id: str | None, markdown: str) -> None:
    """Put another text in place of an artifact's.

    Example:
        >>> update_markdown_artifact(create_markdown_artifact("# 3 rows are wrong"), "# All is well")
    """
    _updated(task_run_artifact_id, "markdown", {"markdown": markdown})


def create_table_artifact(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Leave a table with the task run in progress, and return the artifact's id.

    Args:
        rows: each with its values by column.
    Raises:
        NotJSON: a value is no JSON.

    Example:
        >>> create_table_artifact([{"city": "Uruk", "rows": 3}, {"city": "Ur", "rows": 5}])
    """
    return _created("table", {"table": [dict(row) for row in rows]})


def update_table_artifact(task_run_artifact_id: str | None, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put another table in place of an artifact's.

    Example:
        >>> update_table_artifact(create_table_artifact([{"city": "Uruk"}]), [{"city": "Ur"}])
    """
    _updated(task_run_artifact_id, "table", {"table": [dict(row) for row in rows]})


def create_progress_artifact(percent: float, description: str | None = None) -> str | None:
    """Leave with the task run in progress how far it is, and return the artifact's id.

    Args:
        percent: from 0 to 100.
    Raises:
        FlowError: it is another number.

    Example:
        >>> create_progress_artifact(12.5, "files copied")
    """
    return _created("progress", _progress(percent, description))


def update_progress_artifact(task_run_artifact_id: str | None, percent: float, description: str | None = None) -> None:
    """Say how far the task run is by now.

    Example:
        >>> update_progress_artifact(create_progress_artifact(0), 50)
    """
    _updated(task_run_artifact_id, "progress", _progress(percent, description))


def delete_artifact(task_run_artifact_id: str | None) -> None:
    """Delete an artifact.

    Raises:
        FlowError: there is none with this id.

    Example:
        >>> delete_artifact(create_markdown_artifact("draft"))
    """
    if task_run_artifact_id is not None:
        given = {"task_run_artifact_id": task_run_artifact_id}
        _check_found(run_client().change("delete_task_run_artifact", given, "success"), task_run_artifact_id)


def _created(kind: str, data: dict[str, Any]) -> str | None:
    if "api_url" not in context:
        _logger.info("Artifact: %s", data[kind])
        return None
    if "task_slug" not in context:
        raise FlowError(
            f"The {kind} artifact belongs to no task run.", hint="make it inside a task, not beside the flow's tasks"
        )
    given = {"task_run_id": str(context["task_run_id"]), "kind": kind, "data": data}
    made: str = run_client().change("create_task_run_artifact", given, "id")["id"]
    return made


def _updated(artifact_id: str | None, kind: str, data: dict[str, Any]) -> None:
    if artifact_id is None:
        _logger.info("Artifact: %s", data[kind])
        return
    given = {"task_run_artifact_id": artifact_id, "data": data}
    _check_found(run_client().change("update_task_run_artifact", given, "success"), artifact_id)


def _check_found(answer: Mapping[str, Any], artifact_id: str) -> None:
    if not answer["success"]:
        raise FlowError(f"There is no artifact {artifact_id}.", hint="use the id that its creation returned")


def _progress(percent: float, description: str | None) -> dict[str, Any]:
    if not 0 <= percent <= 100:
        raise FlowError(f"Progress goes from 0 to 100 percent; {percent} is outside.")
    return {"progress": percent, **({} if description is None else {"description": description})}
