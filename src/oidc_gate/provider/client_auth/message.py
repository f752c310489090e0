"""A form that is posted to the provider, before and after the client authentication is added."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ...effects import Step
from ...model import HeaderList
from ...settings import Settings
from ..discovery import Metadata


@dataclass(frozen=True, slots=True)
class Message:
    """A POST request that is being built.

    Args:
        body: The form, as ``application/x-www-form-urlencoded``.
    """

    url: str
    body: str = field(repr=False)
    headers: HeaderList = field(default=(), repr=False)

    def with_header(self, name: str, value: str) -> Message:
        """Return the message with one more header."""
        return replace(self, headers=(*self.headers, (name, value)))

    def header_list(self) -> HeaderList:
        """Return all headers of the request."""
        return (
            ("Accept", "application/json"),
            ("Content-Type", "application/x-www-form-urlencoded"),
            *self.headers,
        )


Method: TypeAlias = Callable[[Message, Metadata, Settings], Step[Message]]
"""A function that adds the authentication of one method."""
