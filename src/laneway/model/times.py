"""Moments as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def timestamp(at: datetime) -> str:
    """A ``metav1.Time``: RFC 3339 in whole seconds, in UTC. ``at`` has a time zone."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
