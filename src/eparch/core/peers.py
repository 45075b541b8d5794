"""Which other servers are alive, by the messages that they send.

In charge of noticing that one has fallen silent; not in charge of sending and receiving (`database.notices`) nor of
what follows (`server.replicas`).
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Peers:
    """The servers that have been heard of.

    Attributes:
        silence_s: how long one may say nothing before it is taken for dead.
        heard: when each was heard last, by a clock that only goes forward, in seconds.
    """

    silence_s: float
    heard: dict[str, float] = field(default_factory=dict)

    def hear(self, name: str, now_s: float) -> None:
        """Note a sign of life."""
        self.heard[name] = now_s

    def leave(self, name: str) -> None:
        """Forget a server that has said that it ends: nothing of it can be missing."""
        self.heard.pop(name, None)

    def silent(self, now_s: float) -> list[str]:
        """Return and forget those who have been silent for too long, in order of their names."""
        silent = sorted(name for name, at in self.heard.items() if now_s - at > self.silence_s)
        for name in silent:
            del self.heard[name]
        return silent
