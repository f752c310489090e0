"""Endpoints that recently did not answer, so that the next request does not wait for them as well."""

from __future__ import annotations

from .. import effects
from ..effects import Fetch, Fetched, Step
from ..errors import ProviderUnavailable
from .refreshing_cache import RETRY_SECONDS, Failure, again, is_within


class Outages:
    """The endpoints of one provider that did not answer, by name. It is safe under threads.

    Only timeouts are remembered (``provider_timeout``). Every other failure comes quickly, so the next request can
    afford to try again, and a client could cause some of them on purpose. A request that timed out while another one
    was answered is not remembered either.
    """

    def __init__(self) -> None:
        self._failures: dict[str, Failure] = {}
        self._answers: dict[str, int] = {}

    def check(self, name: str, now: int) -> None:
        """Raise an error if the endpoint `name` did not answer within the last `RETRY_SECONDS`.

        Raises:
            ProviderUnavailable: The error of the request that timed out.
        """
        failure = self._failures.get(name)
        if failure is not None and is_within(failure.at, now, RETRY_SECONDS):
            raise again(failure.error, failure.at + RETRY_SECONDS - now)

    def fetch(self, name: str, request: Fetch) -> Step[Fetched]:
        """Return the provider's answer, and remember whether there was one.

        Raises:
            ProviderUnavailable, ProviderError, QueueFull: See `effects.fetch`.
        """
        answers = self._answers.get(name, 0)
        try:
            fetched = yield from effects.fetch(request)
        except ProviderUnavailable as error:
            now = yield from effects.now()
            if error.code == "provider_timeout" and self._answers.get(name, 0) == answers:
                self._failures[name] = Failure(now, again(error, 0))
            raise
        self._answers[name] = self._answers.get(name, 0) + 1
        self._failures.pop(name, None)
        return fetched
