from __future__ import annotations

import threading

import pytest
from rich.status import Status

from laneway.faces.cli.progress import progress


@pytest.mark.parametrize("terminal", [True, False])
def test_what_takes_long_is_said_on_a_terminals_standard_error_alone(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    shown, start = threading.Event(), Status.start

    def started(status: Status) -> None:
        start(status)
        shown.set()

    monkeypatch.setattr(Status, "start", started)
    with progress("Waiting for it", after=0):
        if terminal:
            assert shown.wait(60)
    printed = capsys.readouterr()
    assert (printed.out, "Waiting for it" in printed.err) == ("", terminal)


def test_what_is_quick_says_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress("Waiting for it", after=3600):
        pass
    assert "Waiting" not in capsys.readouterr().err
