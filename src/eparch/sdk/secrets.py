"""Secrets: from the environment, or from the server.

In charge of finding them and of keeping them out of logs; not in charge of storing them (the server does).
"""

import json
import os
from typing import Any, Final, Unpack

from eparch.sdk.context import context
from eparch.sdk.errors import SecretNotFound
from eparch.sdk.logs import hide
from eparch.sdk.results.inline import SecretResult
from eparch.sdk.task_options import TaskOptions
from eparch.sdk.tasks import Task

_VARIABLE: Final = "EPARCH_SECRET_"
# Where Prefect 1.x looks; so that one environment serves both while flows move.
_OLD_VARIABLE: Final = "PREFECT__CONTEXT__SECRETS__"
_NAME_INPUT: Final[dict[str, dict[str, Any]]] = {"name": {"required": False, "type": "<class 'str'>"}}


class Secret:
    """A secret, by name. It is looked for in `context.secrets`, in the environment, and on the server.

    Example:
        >>> import os
        >>> os.environ["EPARCH_SECRET_PIN"] = "1234"
        >>> Secret("PIN").get()
        1234
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def get(self) -> Any:
        """Return the value: what the text says if it is JSON, otherwise the text.

        Raises:
            SecretNotFound: it is known nowhere.
        """
        value = self._value()
        hide(value)
        parsed = _parsed(value)
        hide(parsed)
        return parsed

    def exists(self) -> bool:
        """Return whether the secret is known."""
        try:
            self._value()
        except SecretNotFound:
            return False
        return True

    def _value(self) -> Any:
        local = context.get("secrets") or {}
        if self.name in local:
            return local[self.name]
        for prefix in (_VARIABLE, _OLD_VARIABLE):
            if prefix + self.name in os.environ:
                return os.environ[prefix + self.name]
        ask = context.get("ask_secret")
        if ask is not None:
            return ask(self.name)
        raise SecretNotFound(
            f"There is no secret {self.name!r}.",
            hint=f"set {_VARIABLE}{self.name} in the environment, or store it: eparch secret set {self.name}",
        )

    def __repr__(self) -> str:
        return f"<Secret: {self.name}>"


class PrefectSecret(Task):
    """A task whose result is a secret. The value is never kept, sent or shown: only its name is.

    Example:
        >>> import os
        >>> os.environ["EPARCH_SECRET_TOKEN"] = "t0ken"
        >>> from eparch import Flow, task
        >>> @task
        ... def length(token: str) -> int:
        ...     return len(token)
        >>> with Flow("secret") as f:
        ...     n = length(PrefectSecret("TOKEN"))
        >>> f.run().result[n].result
        5
    """

    __format_name__ = "prefect.tasks.secrets.base.PrefectSecret"

    def __init__(self, name: str, **options: Unpack[TaskOptions]) -> None:
        self.secret_name = name
        options.setdefault("result", SecretResult(location=name))
        super().__init__(name, **options)

    def inputs(self) -> dict[str, dict[str, Any]]:
        """Return the one parameter with the text that the format has for its type."""
        return _NAME_INPUT

    def run(self, name: str | None = None) -> Any:
        """Return the secret; another one, if its name is given.

        Raises:
            SecretNotFound: it is known nowhere.
        """
        return Secret(name or self.secret_name).get()


class EnvVarSecret(Task):
    """A task whose result is an environment variable, treated as a secret.

    Example:
        >>> import os
        >>> os.environ["DATABASE_PASSWORD"] = "hunter2!"
        >>> EnvVarSecret("DATABASE_PASSWORD").run()
        'hunter2!'
    """

    __format_name__ = "prefect.tasks.secrets.env_var.EnvVarSecret"

    def __init__(self, name: str, raise_if_missing: bool = False, **options: Unpack[TaskOptions]) -> None:
        self.secret_name = name
        self.raise_if_missing = raise_if_missing
        options.setdefault("result", SecretResult(location=name, secret_type="EnvVarSecret"))  # noqa: S106
        super().__init__(name, **options)

    def inputs(self) -> dict[str, dict[str, Any]]:
        """Return the one parameter with the text that the format has for its type."""
        return _NAME_INPUT

    def run(self, name: str | None = None) -> Any:
        """Return the value of the variable, None where it is not set; of another one, if its name is given.

        Raises:
            SecretNotFound: it is not set and `raise_if_missing` is.
        """
        variable = name or self.secret_name
        value = os.environ.get(variable)
        if value is None and self.raise_if_missing:
            raise SecretNotFound(f"The environment variable {variable} is not set.")
        hide(value)
        return value


def server_secret(name: str) -> Any:
    """Return a secret from the server.

    Raises:
        SecretNotFound: the server has none of this name.
    """
    from eparch.client.errors import Refused
    from eparch.sdk.run_server import run_client

    try:
        return run_client().ask("query($name: String!) { secret_value(name: $name) }", {"name": name})["secret_value"]
    except Refused as error:
        why = "" if error.error_code == "NOT_FOUND" else f" that can be had: {error.message.rstrip('.')}"
        raise SecretNotFound(
            f"There is no secret {name!r}{why}.",
            hint=f"set {_VARIABLE}{name} in the environment of the run, or store it: eparch secret set {name}",
        ) from None


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
