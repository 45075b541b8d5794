"""How long things are kept: which rule holds for which project.

In charge of the rules about rules; not in charge of deleting (`operations.retention`).

What ages is what an ended flow run leaves behind, from its end on. A rule of a project goes before that of its tenant,
whether it keeps for longer or for a shorter time; where there is neither, all is kept.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["runs", "logs", "artifacts"]

KINDS: Final[tuple[Kind, ...]] = ("runs", "logs", "artifacts")
KEEP_DAYS_MAX: Final = 36_500


@dataclass(frozen=True, slots=True)
class Rule:
    """What a tenant, or one of its projects, has decided.

    Attributes:
        project_id: None for the tenant's own rule.
        keep_days: None keeps for ever.
    """

    tenant_id: str
    project_id: str | None
    kind: Kind
    keep_days: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """The projects whose things of one kind are kept equally long."""

    kind: Kind
    keep_days: int
    project_ids: frozenset[str]

    def cutoff(self, now: datetime) -> datetime:
        """Return the instant before which a flow run must have ended for its things to go."""
        return now - timedelta(days=self.keep_days)


def groups(rules: Iterable[Rule], tenant_of_project: Mapping[str, str]) -> list[Group]:
    """Return who is to be freed of what, in a fixed order; projects that keep a kind for ever are in no group of it."""
    of_project = {(rule.project_id, rule.kind): rule for rule in rules if rule.project_id is not None}
    of_tenant = {(rule.tenant_id, rule.kind): rule for rule in rules if rule.project_id is None}
    found: dict[tuple[Kind, int], set[str]] = defaultdict(set)
    for project_id, tenant_id in tenant_of_project.items():
        for kind in KINDS:
            rule = of_project.get((project_id, kind)) or of_tenant.get((tenant_id, kind))
            if rule is not None and rule.keep_days is not None:
                found[kind, rule.keep_days].add(project_id)
    return [Group(kind, days, frozenset(found[kind, days])) for kind, days in sorted(found)]
