"""What the gate's pages show."""

from dataclasses import dataclass
from typing import Annotated

from ..constraints import MaxLength


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class PageFields:
    """What the pages show."""

    auto_sign_in: bool = False
    """Redirect to the provider at once, without the sign-in page."""
    application_name: Annotated[str, MaxLength(100)] = ""
    """Name of this application on the pages."""
    provider_name: Annotated[str, MaxLength(100)] = ""
    """Name of the provider on the pages."""
