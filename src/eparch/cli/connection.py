"""In charge of the server that a command speaks to, and of the option that chooses it; not in charge of profiles."""

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

from cyclopts import Parameter

from eparch.cli.output import say
from eparch.client.client import Client, Question, change_question
from eparch.client.errors import ClientError
from eparch.client.profiles import Profile, current_profile

# A person waits: a server that is not there is said to be so within a second.
_TRIES: Final = 3
# Question after question of a command that has much to change; each request is one transaction.
_STATES_TOGETHER: Final = 500


class Api:
    """A server, asked on behalf of a person at a terminal.

    Attributes:
        profile: where it is and what it was called.
        client: asks it with more patience; for what takes long.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.client = Client(profile=profile)

    @property
    def url(self) -> str:
        """Its address."""
        return self.client.api_url

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return the data of the answer to a document.

        Raises:
            ClientError: nobody answers, or the server refuses.
        """
        return self.client.ask(document, variables, tries=_TRIES)

    def rows(
        self,
        table: str,
        selection: str,
        where: Mapping[str, Any] | None = None,
        *,
        order: str = "",
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return rows of a table of the API, as the server shows them.

        Args:
            where: conditions as the API has them, by column or relationship; all must hold.
            order: such as "name: asc".
        """
        arguments = "where: $where" + (f", order_by: [{order}]" if order else "") + ", limit: $limit"
        document = f"query($where: {table}_bool_exp, $limit: Int) {{ {table}({arguments}) {{ {selection} }} }}"
        found: list[dict[str, Any]] = self.ask(document, where=where, limit=limit)[table]
        return found

    def change(self, mutation: str, selection: str = "success", **given: Any) -> Any:
        """Carry out a mutation and return what it answers.

        Raises:
            ClientError: nobody answers, or the server refuses.
        """
        return self.client.change(mutation, given, selection, tries=_TRIES)

    def change_all(self, changes: Sequence[tuple[str, dict[str, Any]]]) -> list[ClientError]:
        """Carry out many mutations that answer `success`, and return the errors of those that were refused."""
        questions: list[Question] = [change_question(mutation, given, "success") for mutation, given in changes]
        return [answer for answer in self.client.ask_all(questions) if isinstance(answer, ClientError)]

    def set_task_run_states(self, task_run_ids: Sequence[str], state: dict[str, Any]) -> None:
        """Let task runs enter a state, some hundred with each call."""
        for start in range(0, len(task_run_ids), _STATES_TOGETHER):
            part = task_run_ids[start : start + _STATES_TOGETHER]
            self.change(
                "set_task_run_states", "states { id }", states=[{"task_run_id": one, "state": state} for one in part]
            )


def with_api(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Give a command the server as its first parameter, and the option `--profile`."""

    def call(*args: Any, **given: Any) -> int | None:
        _warn_of_variables()
        return function(Api(current_profile(given.pop("profile", None))), *args, **given)

    own = list(inspect.signature(function).parameters.values())[1:]
    call.__doc__ = function.__doc__
    call.__signature__ = inspect.Signature([*own, PROFILE])  # type: ignore[attr-defined]
    return call


def _warn_of_variables() -> None:
    """Say which variables mean nothing to us: beside a misspelt address the usual one would be taken without a word."""
    if any(name.startswith("EPARCH_") for name in os.environ):
        from eparch.server.settings import unknown_variables

        for error in unknown_variables(os.environ):
            say(f"warning: {error.message}" + (f"\nhint: {error.hint}" if error.hint else ""))


PROFILE: Final = inspect.Parameter(
    "profile",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        str | None, Parameter(help="Speak to the server of this profile; EPARCH_API_URL and EPARCH_API_KEY win.")
    ],
)
"""The option that every command has that speaks to a server."""
