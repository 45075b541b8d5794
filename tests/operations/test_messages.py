"""Messages: read, unread, deleted."""

from eparch.core.principals import Principal
from eparch.database.tables import message
from tests.operations.backend import OTHER_TENANT, TENANT, UNKNOWN, Backend

MESSAGE = "00000000-0000-4000-8000-000000000011"


def insert(backend: Backend) -> None:
    common = {"type": "CLOUD_HOOK", "text": "Something happened.", "content": {"event": {}}, "read": False}
    backend.insert(message, id=MESSAGE, tenant_id=TENANT, created=backend.now, updated=backend.now, **common)


def test_a_message_is_marked_as_often_as_one_likes(backend: Backend) -> None:
    insert(backend)
    for name, is_read in (
        ("mark_message_as_read", True),
        ("mark_message_as_read", True),
        ("mark_message_as_unread", False),
        ("mark_message_as_unread", False),
    ):
        now = backend.move_clock(minutes=1)
        assert backend.run(name, message_id=MESSAGE) == {"success": True}
        row = backend.row(message, MESSAGE)
        assert (row["read"], row["updated"]) == (is_read, now)


def test_a_message_is_deleted_once(backend: Backend) -> None:
    insert(backend)
    assert backend.run("delete_message", message_id=MESSAGE) == {"success": True}
    assert backend.run("delete_message", message_id=MESSAGE) == {"success": False}
    assert backend.rows(message) == []


def test_unknown_messages_and_another_tenants_are_alike(backend: Backend) -> None:
    insert(backend)
    for name in ("mark_message_as_read", "mark_message_as_unread", "delete_message"):
        assert backend.run(name, message_id=UNKNOWN) == {"success": False}
        assert backend.run(name, Principal(OTHER_TENANT), message_id=MESSAGE) == {"success": False}
    assert backend.row(message, MESSAGE)["read"] is False
