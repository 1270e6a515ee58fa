from __future__ import annotations

from collections.abc import Sequence

import pytest

from laneway.faces.cli import watched_lists

State = tuple[str, str]


def test_what_is_new_or_has_changed_is_shown_and_what_is_gone_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_lists, "PERIOD", 0)
    looks: list[list[State]] = [
        [("a", "Ready"), ("b", "Ready")],
        [("a", "Ready"), ("b", "Stopped")],
        [("b", "Stopped"), ("c", "Ready")],
    ]
    shown: list[Sequence[State]] = []

    def look() -> list[State]:
        if not looks:
            raise KeyboardInterrupt
        return looks.pop(0)

    with pytest.raises(KeyboardInterrupt):
        watched_lists.watch(look, look(), lambda s: s[0], lambda s: s[1], shown.append)
    assert shown == [[("b", "Stopped")], [("c", "Ready")]]
    assert capsys.readouterr().out == "a deleted\n"
