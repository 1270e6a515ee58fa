"""When a lane ends, and where it stands among others, as documents write it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator

from laneway.schema.field_metadata import ClusterBound, Constraint
from laneway.schema.fields import shown, wrong

#: RFC 3339 section 5.6, ``date-time``, in upper case.
_PATTERN = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})"
)
_MOST_ORDER = 1_000_000


def _time(text: str) -> str:
    try:
        if re.fullmatch(_PATTERN, text):
            instant(text)
            return text
    except (ValueError, OverflowError):
        pass
    raise wrong(
        f"`{shown(text)}` is not a time",
        "write date, time and time zone, as in 2026-12-31T18:00:00Z or 2026-12-31T18:00:00+08:00",
    )


def _order(number: int) -> int:
    if abs(number) > _MOST_ORDER:
        raise wrong(f"{number} is not a place", f"write -{_MOST_ORDER:,} to {_MOST_ORDER:,}")
    return number


Time = Annotated[
    str,
    AfterValidator(_time),
    Constraint(
        "a time with a time zone (RFC 3339)",
        "带时区的时间（RFC 3339）",
        pattern=_PATTERN,
        format="date-time",
    ),
    ClusterBound(40),
]
Order = Annotated[
    int,
    AfterValidator(_order),
    Constraint(
        "-1,000,000 to 1,000,000",
        "-1,000,000 至 1,000,000",
        minimum=-_MOST_ORDER,
        maximum=_MOST_ORDER,
    ),
]


def instant(text: str) -> datetime:
    """The time, in UTC. Raises ``ValueError`` for a day that no month has."""
    return datetime.fromisoformat(text).astimezone(UTC)


def written_instant(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
