"""An ASGI application that gives one constant answer to everything.

In charge of showing what the load generator and the HTTP server under it can do without any work behind the answer. The
answer satisfies each call of a task run's life, so that the generator does all that it does against a real server.

Run it with `uvicorn constant_server:answer --app-dir benchmarks --no-access-log`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]

BODY = (
    b'{"data":{"get_or_create_task_run_info":{"id":"0192f0c4-7d7b-7cc3-98c4-dc0c0c07398f","version":1,'
    b'"serialized_state":{"type":"Pending","message":"Task run created.","result":null,"context":{"tags":[]}}},'
    b'"set_task_run_states":{"states":[{"status":"SUCCESS","message":null,'
    b'"id":"0192f0c4-7d7b-7cc3-98c4-dc0c0c07398f"}]}}}'
)
_HEAD: Message = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))],
}
_REST: Message = {"type": "http.response.body", "body": BODY}


async def answer(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer every HTTP request with `BODY`, once its own body has been read."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    while (await receive()).get("more_body"):
        pass
    await send(_HEAD)
    await send(_REST)
