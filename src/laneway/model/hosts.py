"""Host patterns, as Istio's Gateway and Gateway API have them: a host, ``*.suffix`` or ``*``."""

from __future__ import annotations


def host_covers(pattern: str, host: str) -> bool:
    """Whether all hosts that ``host`` (a host or a pattern) matches are matched by ``pattern``.

    ``*`` matches at least one character.
    """
    if pattern in ("*", host):
        return True
    return pattern.startswith("*.") and host.endswith(pattern[1:]) and len(host) >= len(pattern)
