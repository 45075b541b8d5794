"""Calls to a server's GraphQL API.

In charge of asking one question, or many at once, and of turning answers into values or errors; not in charge of the
connection (`transport`) nor of any particular question.
"""

import copy
import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Self, TypeVar

from eparch.client.errors import ClientError, NotJSON, Refused, Unreachable, WrongKey, error_of_answer
from eparch.client.marks import FORMAT_VERSION
from eparch.client.profiles import Profile, current_profile
from eparch.client.transport import Transport
from eparch.version import __version__

Question = tuple[str, Mapping[str, Any] | None]
"""A document, and its variables."""

# As many as servers take in one request.
TOGETHER_MAX: Final = 100
_AWAY: Final = frozenset({502, 503, 504})
_API_ERROR_TRIES: Final = 6
_PATIENT_DELAY_S: Final = 0.5

Answer = TypeVar("Answer")


class Client:
    """A server that can be asked. May be used from several threads.

    Attributes:
        lacks: what this library offers the server and the server was found not to know, by name.

    Example:
        >>> Client(api_url="http://127.0.0.1:1").ask("query { hello }", tries=1)
        Traceback (most recent call last):
        ...
        eparch.client.errors.Unreachable: No server answers at http://127.0.0.1:1: Connection refused.
        Hint: start one: eparch server start; or say where it is: EPARCH_API_URL
    """

    def __init__(
        self,
        api_url: str | None = None,
        api_key: str | None = None,
        tenant_id: str | None = None,
        *,
        profile: Profile | None = None,
        timeout_s: float = 15.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        known = profile or current_profile()
        self.api_url = (api_url or known.api_url).rstrip("/")
        self.api_key = api_key or known.api_key
        self.tenant_id = tenant_id or known.tenant_id
        self._transport = Transport(self.api_url, timeout_s, sleep)
        self.lacks: set[str] = set()
        self._sleep = sleep
        self._patience_s = 0.0
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"eparch/{__version__}",
            "X-PREFECT-CORE-VERSION": FORMAT_VERSION,
        }
        if self.api_key:
            self._headers["Authorization"] = f"Bearer {self.api_key}"
        if self.tenant_id:
            self._headers["X-PREFECT-TENANT-ID"] = self.tenant_id

    def with_agent(self, agent_id: str) -> Self:
        """Say in all further calls which agent is calling; return the client."""
        self._headers["X-PREFECT-AGENT-ID"] = agent_id
        return self

    def patient(self, patience_s: float) -> Self:
        """Return the same client, whose calls go on trying so many seconds while the server is away."""
        found = copy.copy(self)
        found._patience_s = patience_s
        return found

    def ask(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        tries: int | None = None,
    ) -> dict[str, Any]:
        """Return the data of the answer to a GraphQL document.

        Raises:
            Unreachable: nobody answers.
            Refused: the server refuses; see its kinds.
        """
        body = _encoded(document, variables)
        return self._patiently(lambda: self._asked(body, timeout_s, tries))

    def ask_all(self, questions: Sequence[Question]) -> list[dict[str, Any] | ClientError]:
        """Return the answer to each of many questions, in order; what one of them leads to does not touch the others.

        Raises:
            Unreachable: nobody answers.
        """
        answers: list[dict[str, Any] | ClientError] = []
        for start in range(0, len(questions), TOGETHER_MAX):
            bodies: list[bytes | NotJSON] = []
            for document, variables in questions[start : start + TOGETHER_MAX]:
                try:
                    bodies.append(_encoded(document, variables))
                except NotJSON as error:
                    bodies.append(error)
            sent = [body for body in bodies if isinstance(body, bytes)]
            found = self._patiently(partial(self._answer, b"[%s]" % b",".join(sent), None, None)) if sent else []
            if not isinstance(found, list) or len(found) != len(sent):
                raise _data_error(self.api_url, found)
            arrived = iter(found)
            answers += [body if isinstance(body, NotJSON) else _data(self.api_url, next(arrived)) for body in bodies]
        return answers

    def change(self, mutation: str, given: Mapping[str, Any], selection: str, **options: Any) -> Any:
        """Carry out a mutation and return what it answers.

        Args:
            given: its input.
            selection: the fields of the answer.
        """
        return self.ask(*change_question(mutation, given, selection), **options)[mutation]

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._transport.close()

    def _asked(self, body: bytes, timeout_s: float | None, tries: int | None) -> dict[str, Any]:
        for attempt in range(_API_ERROR_TRIES):
            answer = self._answer(body, timeout_s, tries)
            data = _data(self.api_url, answer)
            if not isinstance(data, ClientError):
                return data
            # The server's database was away: nothing was changed, and the same call may succeed.
            if data.error_code != "API_ERROR" or attempt == _API_ERROR_TRIES - 1 or tries == 1:
                raise data
            self._sleep(0.25 * 2**attempt)
        raise AssertionError("a loop that returns or raises")

    def _patiently(self, call: Callable[[], Answer]) -> Answer:
        until = time.monotonic() + self._patience_s
        while True:
            try:
                return call()
            except ClientError as error:
                if not error.is_passing or time.monotonic() >= until:
                    raise
            self._sleep(_PATIENT_DELAY_S)

    def _answer(self, body: bytes, timeout_s: float | None, tries: int | None) -> Any:
        options: dict[str, Any] = {} if tries is None else {"tries": tries}
        status, answer = self._transport.post(body, self._headers, timeout_s=timeout_s, **options)
        try:
            decoded = json.loads(answer)
        except ValueError:
            decoded = None
        if isinstance(decoded, dict | list):
            return decoded
        if status in (401, 403):
            raise WrongKey(f"The server at {self.api_url} refuses the API key (HTTP {status}).", code="UNAUTHENTICATED")
        if status in _AWAY:
            # Said by what stands before a server.
            raise Unreachable(f"No server answers at {self.api_url}: HTTP {status}.", code="UNREACHABLE")
        raise Refused(
            f"What answers at {self.api_url} is no Eparch server: HTTP {status}, {answer[:80]!r}.",
            hint="check EPARCH_API_URL",
            code="NOT_A_SERVER",
        )

    def __repr__(self) -> str:
        return f"<Client: {self.api_url}>"


def change_question(mutation: str, given: Mapping[str, Any], selection: str) -> Question:
    """Return a mutation as a question.

    Example:
        >>> change_question("delete_flow", {"flow_id": "f"}, "success")[0]
        'mutation($input: delete_flow_input!) { delete_flow(input: $input) { success } }'
    """
    document = f"mutation($input: {mutation}_input!) {{ {mutation}(input: $input) {{ {selection} }} }}"
    return document, {"input": given}


def _encoded(document: str, variables: Mapping[str, Any] | None) -> bytes:
    try:
        return json.dumps({"query": document, "variables": variables}, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise NotJSON(
            f"What is to be sent to the server is no JSON: {error}.",
            hint="turn it into text, numbers, lists and dictionaries with text for keys; NaN is no JSON either",
            code="NOT_JSON",
        ) from None


def _data(address: str, answer: Any) -> dict[str, Any] | ClientError:
    if not isinstance(answer, dict):
        return _data_error(address, answer)
    if answer.get("errors"):
        return error_of_answer(address, answer["errors"])
    data = answer.get("data")
    return data if isinstance(data, dict) else _data_error(address, answer)


def _data_error(address: str, answer: Any) -> ClientError:
    if isinstance(answer, dict) and answer.get("errors"):
        return error_of_answer(address, answer["errors"])
    return Refused(
        f"The server at {address} answers {str(answer)[:80]!r}.", hint="is it an Eparch server?", code="ANSWER"
    )
