"""Recognizes a response: a page of the gate, an error page of the proxy, or something else."""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from .exchanges import Response

# The error pages of Nginx: `<center><h1>401 Authorization Required</h1></center><hr><center>nginx</center>`.
_NGINX_PAGE = re.compile(
    r"<center><h1>(\d{3}) [^<]{0,60}</h1></center>\s*<hr><center>(?:nginx|openresty|angie|tengine)",
    re.IGNORECASE,
)


class Kind(Enum):
    """The kinds of responses that the check distinguishes."""

    NONE = "no answer"
    SIGN_IN = "the sign-in page of the gate, or a redirect to it"
    PROBLEM = "the gate's JSON for scripts"
    PROVIDER = "a redirect to another host"
    PROXY_ERROR = "an error page of Nginx"
    REFUSED = "a refusal: 401 or 403, without a page of the gate"
    FAILED = "an error of the server: 5xx"
    REDIRECT = "a redirect elsewhere on this host"
    CONTENT = "content"
    OTHER = "something else"


def kind_of(response: Response, prefix: str) -> Kind:
    """Return the kind of `response`.

    Args:
        prefix: The path of the gate's endpoints.
    """
    if response.failure:
        return Kind.NONE
    if response.location:
        return _kind_of_redirect(response, prefix)
    if is_problem(response):
        return Kind.PROBLEM
    # A page of the application may link to the sign-in too, but only the gate's own pages load the gate's files.
    is_refusal = response.status in (401, 403)
    if f"{prefix}/static/" in response.text or (is_refusal and f"{prefix}/start?" in response.text):
        return Kind.SIGN_IN
    if nginx_status(response):
        return Kind.PROXY_ERROR
    if response.status in (401, 403):
        return Kind.REFUSED
    if response.status >= 500:
        return Kind.FAILED
    return Kind.CONTENT if 200 <= response.status < 300 else Kind.OTHER


def _kind_of_redirect(response: Response, prefix: str) -> Kind:
    if not response.target:
        return Kind.OTHER  # its Location is not a URL
    target = urlsplit(response.target)
    if f"{prefix}/start" in target.path or f"{prefix}/sign_in" in target.path:
        return Kind.SIGN_IN
    return Kind.PROVIDER if target.netloc != urlsplit(response.url).netloc else Kind.REDIRECT


def nginx_status(response: Response) -> int:
    """Return the status that an error page of Nginx names, or 0 if this is another page."""
    found = _NGINX_PAGE.search(response.text[:2000])
    return int(found[1]) if found else 0


def json_of(response: Response) -> dict[str, Any]:
    """Return the JSON object in the body, or an empty one."""
    try:
        value = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def is_problem(response: Response) -> bool:
    """Return whether this is a problem document of the gate.

    Spec: RFC 9457.
    """
    kind = response.header("content-type").partition(";")[0].strip()
    # A proxy may have replaced the status.
    is_json = kind == "application/problem+json" or (kind == "application/json" and response.status >= 400)
    return is_json and bool(problem_code(response))


def problem_code(response: Response) -> str:
    """Return the code in a problem document of the gate, or an empty string."""
    code = json_of(response).get("code")
    return code if isinstance(code, str) and re.fullmatch("[a-z_]{1,60}", code) else ""
