"""In charge of the form of what a look has found."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look has found.

    Attributes:
        subject: what was looked at.
        level: a warning may be meant as it is; a problem is not.
        message: one sentence with the values.
        hint: what to do; empty where all is well.
    """

    subject: str
    level: Level
    message: str
    hint: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return asdict(self)


def ok(subject: str, message: str) -> Finding:
    """Return that all is well."""
    return Finding(subject, "ok", message)


def warning(subject: str, message: str, hint: str) -> Finding:
    """Return what somebody should know."""
    return Finding(subject, "warning", message, hint)


def problem(subject: str, message: str, hint: str) -> Finding:
    """Return what somebody should mend."""
    return Finding(subject, "problem", message, hint)
