"""What operators can observe."""

from dataclasses import dataclass
from typing import Annotated

from ..constraints import Trait


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class ObservingFields:
    """What operators can observe."""

    metrics_token: Annotated[str | None, Trait.SECRET] = None
    """Bearer token with which Prometheus may read `/oauth2/metrics`, of at least 20 characters. Without it, the gate
    counts nothing and the endpoint does not exist. It needs the extra `[metrics]`. Spec: RFC 6750 §2.1."""
    metrics_directory: str | None = None
    """Directory in which the processes of one service share their counts, so that each of them answers
    `/oauth2/metrics` for all. It is created if it does not exist, and no other user may write into it. Without it,
    each process answers for itself. It needs `metrics_token`."""
