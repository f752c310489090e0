"""The part of the check that requests a page through the proxy. It sends only GET, unless a POST is allowed."""

from __future__ import annotations

from ...policy.public_paths import PublicPaths
from ...provider.discovery import Metadata
from ...settings import Settings
from ..answers import Answer
from .endpoints import Expected, check_ping, check_redirects
from .exchanges import Browser
from .page import (
    Target,
    check_forged,
    check_junk_cookie,
    check_page,
    check_post,
    check_script,
    check_socket,
    is_refused,
)

__all__ = ["check_live"]


def check_live(
    url: str,
    settings: Settings | None = None,
    metadata: Metadata | None = None,
    *,
    post: bool = False,
    connect: str = "",
    ca_file: str = "",
) -> list[Answer]:
    """Request the page and the gate's endpoints as clients without a session, and explain the responses.

    It sends about 12 requests, each limited to `exchanges.SECONDS` and `exchanges.MAX_BYTES`, and follows redirects
    only as far as the provider's page.

    Args:
        url: A page that needs a sign-in.
        settings: The settings of the gate, if they could be read.
        metadata: The metadata of the provider, if discovery was asked.
        post: Whether to send an empty POST after a GET was refused.
        connect: ``HOST:PORT`` to connect to instead of the host of `url`.
        ca_file: The certificate authorities to trust instead of those of the system.
    """
    target, expected = _target(url, settings), _expected(settings, metadata)
    browser = Browser(connect=connect, ca_file=ca_file, post=post)
    answers, page = check_page(browser, target)
    if page.failure:
        return answers
    refused = is_refused(page, target)
    answers.append(check_ping(browser, target))
    answers += check_redirects(browser, target, expected)
    answers.append(check_script(browser, target))
    answers.append(check_socket(browser, target))
    answers.append(check_forged(browser, target, is_page_refused=refused))
    answers.append(check_junk_cookie(browser, target, is_page_refused=refused))
    if post and refused:
        answers.append(check_post(browser, target))
    return answers


def _target(url: str, settings: Settings | None) -> Target:
    if settings is None:
        return Target(url)
    path = "/" + url.partition("://")[2].partition("?")[0].partition("#")[0].partition("/")[2]
    inner = path.removeprefix(settings.public_path) or "/"
    return Target(
        url,
        prefix=settings.public_path + settings.prefix,
        cookie_name=settings.cookie_prefix + settings.cookie_name,
        is_public=PublicPaths(settings.public_paths).matches("GET", inner, inner),
    )


def _expected(settings: Settings | None, metadata: Metadata | None) -> Expected:
    if settings is None:
        return Expected()
    redirect_uri = f"{settings.public_url}{settings.prefix}/callback" if settings.public_url else ""
    return Expected(
        settings.client_id, redirect_uri, metadata, flow_prefix=settings.cookie_prefix + settings.cookie_name
    )
