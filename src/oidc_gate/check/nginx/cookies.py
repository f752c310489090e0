"""Rules for the cookies that an application receives: all of its own, and none of the gate."""

from __future__ import annotations

from collections.abc import Sequence

from ...syntax.cookie_names import PARTS
from .locations import Level
from .maps import Maps, UnknownValueError
from .site import Rule, Site, broken


def check_cookies(level: Level, site: Site) -> Rule:
    """Yield what is wrong with the Cookie header in a location that passes requests on to the application."""
    if not level.own("proxy_pass"):
        return
    value = level.headers().get("cookie")
    if value in (None, "$http_cookie"):
        yield broken("nginx_cookies_passed", level)
    elif value and site.cookie:
        maps = Maps(site.beside("map"))
        own = [site.cookie, *(site.cookie + part for part in PARTS)]
        others = ["theme", f"x{site.cookie}", f"{site.cookie}x", f"{site.cookie}.bodyx", f"{site.cookie}2"]
        try:
            left, lost = _left(own, value, maps), _lost(own, others, value, maps)
        except UnknownValueError:
            return
        if left:
            yield broken("nginx_cookies_left", level, names=", ".join(left))
        if lost:
            yield broken("nginx_cookies_lost", level, names=", ".join(lost))


def _left(own: Sequence[str], value: str, maps: Maps) -> list[str]:
    """Return the cookies of the gate that reach the application, alone or among others."""
    alone = {name: ["{}", "a=1; {}", "{}; b=2", "a=1; {}; b=2"] for name in own}
    headers = [form.format(f"{name}=x") for name, forms in alone.items() for form in forms]
    headers += [
        "; ".join(f"a{at}=1; {name}=x" for at, name in enumerate(own)),
        "; ".join(f"{each}=x" for each in own),
    ]
    arrived = [maps.value(value, {"http_cookie": header}) for header in headers]
    return [name for name in own if any(name in _names(header) for header in arrived)]


def _lost(own: Sequence[str], others: Sequence[str], value: str, maps: Maps) -> list[str]:
    """Return the cookies of the application that the configuration removes."""
    header = "; ".join(f"{other}=1; {name}=x" for other, name in zip(others, own, strict=False))
    alone = "; ".join(f"{other}=1" for other in others)
    arrived = [_names(maps.value(value, {"http_cookie": each})) for each in (header, alone)]
    return [other for other in others if any(other not in names for names in arrived)]


def _names(header: str) -> set[str]:
    return {pair.partition("=")[0].strip() for pair in header.split(";")}
