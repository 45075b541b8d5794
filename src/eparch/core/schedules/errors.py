"""In charge of the one error of this package; not in charge of turning it into an API answer."""

from __future__ import annotations


class ScheduleError(ValueError):
    """A schedule document that cannot be carried out.

    Attributes:
        part: path of the bad part inside the document, such as `clocks[1].cron`; empty for the document itself.
        problem: what is wrong with it, with the value.
        hint: what is allowed there, or what to do.
    """

    def __init__(self, part: str, problem: str, hint: str) -> None:
        super().__init__(part, problem, hint)
        self.part = part
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        """Return one sentence that names the part, the problem and what is allowed."""
        return f"{self.part or 'schedule'}: {self.problem}; {self.hint}"
