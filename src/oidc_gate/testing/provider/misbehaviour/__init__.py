"""The implementation of the faults. Each is a `Behaviour` that replaces one of its functions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from oidc_gate.testing.provider.faults import Fault
from oidc_gate.testing.provider.misbehaviour import answers, claims, keys, logout, network, signing
from oidc_gate.testing.provider.realm import HONEST, Behaviour

PLAYS = claims.PLAYS | signing.PLAYS | keys.PLAYS | answers.PLAYS | logout.PLAYS | network.PLAYS


def behaviour_for(fault: Fault, *, times: int | None = None, **params: Any) -> Behaviour:
    """Return the behaviour of a fault.

    Args:
        fault: The fault.
        times: How often it happens; None for no limit.
        params: The keywords that the description of the fault names.

    Raises:
        TypeError: The fault has no such keyword.
    """
    try:
        behaviour = PLAYS[fault](**params)
    except TypeError as error:
        raise TypeError(f"{fault.name} ({fault.value}): {error}") from None
    return behaviour if times is None else _limited(behaviour, times)


def _limited(behaviour: Behaviour, times: int) -> Behaviour:
    lock, left = threading.Lock(), [times]

    def limit(play: Callable[..., Any], honest: Callable[..., Any]) -> Callable[..., Any]:
        def once_more(*args: Any) -> Any:
            with lock:
                if left[0] <= 0:
                    return honest(*args)
                result = play(*args)
                left[0] -= not any(
                    result is arg for arg in args
                )  # returned unchanged: the fault did not happen
                return result

        return once_more

    changed = {
        field.name: limit(getattr(behaviour, field.name), getattr(HONEST, field.name))
        for field in fields(Behaviour)
        if callable(getattr(behaviour, field.name))
        and getattr(behaviour, field.name) is not getattr(HONEST, field.name)
    }
    return replace(behaviour, **changed)  # type: ignore[arg-type]
