"""The part of the check that asks the provider, with a few requests that change nothing there."""

from __future__ import annotations

from typing import NamedTuple

from ...provider.discovery import Metadata
from ...settings import Settings
from ..answers import Answer
from .client import check_client, check_redirect_uri
from .discovery import check_discovery, check_keys
from .exchanges import Exchanges
from .logout import check_logout
from .registration import Address, addresses

__all__ = ["ProviderResult", "check_provider"]


class ProviderResult(NamedTuple):
    """The result of asking the provider.

    Attributes:
        answers: The questions and their answers, in the order in which they were asked.
        metadata: The metadata; None if discovery failed.
        addresses: The addresses to register; empty if the URL of the application is not known.
    """

    answers: list[Answer]
    metadata: Metadata | None
    addresses: list[Address]


def check_provider(settings: Settings, page_url: str = "") -> ProviderResult:
    """Ask the provider whether it knows this client, and whether both can work together.

    It sends at most `exchanges.MAX_EXCHANGES` requests, each with the time limit of the settings.

    Args:
        page_url: A page of the application, for the redirect URI if `public_url` is not set.
    """
    to_register = addresses(settings, page_url)
    urls = {address.name: address.url for address in to_register}
    exchanges = Exchanges(settings)
    answers, metadata = check_discovery(exchanges)
    if metadata is None:
        return ProviderResult(answers, None, to_register)
    answers.append(check_keys(exchanges, metadata))
    redirect_uri = urls.get("redirect_uri", "")
    client = check_client(exchanges, metadata, redirect_uri or "https://oidc-gate-check.invalid/callback")
    answers.append(client)
    if redirect_uri:
        answers += check_redirect_uri(exchanges, metadata, redirect_uri, is_client_known=client.is_right)
    answers += check_logout(exchanges, metadata, urls.get("post_logout_redirect_uri", ""))
    return ProviderResult(answers, metadata, to_register)
