"""From where to where, how, and who is told: what all steps of a flow share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hygge.core import events
from hygge.core.home import Home
from hygge.core.journal import Journal
from hygge.core.store import Store
from hygge.flow.settings import FlowSettings


@dataclass(frozen=True)
class Route:
    """One table's way from one Home to one Store."""

    name: str
    home: Home[Any]
    store: Store[Any]
    journal: Journal
    settings: FlowSettings
    listen: events.Listener

    def notice(self, text: str) -> None:
        """Tell listeners something a person should know."""
        self.listen(events.Notice(self.name, text))

    def notices(self, texts: Iterable[str]) -> None:
        """The same, of several things."""
        for text in texts:
            self.notice(text)
