"""A benchmark's figures survive the way from its table to a comparison of two runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.compare import differences, main, read
from bench.reports import Report


def publish(folder: Path, figure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANEWAY_BENCH_RESULTS", str(folder))
    report = Report("cost", ("lanes", "path", "µs", "bar"), "Cost of a request", labels=2)
    report.add("1,000", "/a", figure, "<= 1.05")
    report.publish()


def test_what_was_measured_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path / "old", "1,250.0", monkeypatch)
    publish(tmp_path / "new", "1,000.0", monkeypatch)
    found = list(differences(read(tmp_path / "old"), read(tmp_path / "new")))
    assert found == [("cost", "1,000, /a", "µs", 1250.0, 1000.0)]


def test_the_table_names_the_ratio_and_what_only_one_run_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(tmp_path / "old", "1250", monkeypatch)
    publish(tmp_path / "new", "1000", monkeypatch)
    Report("other", ("what", "s"), rows=[("a", "1")]).publish()
    capsys.readouterr()
    monkeypatch.setattr("sys.argv", ["compare", str(tmp_path / "old"), str(tmp_path / "new")])
    main()
    printed = capsys.readouterr().out
    assert "0.80" in printed
    assert "Only in new: other" in printed


def test_a_folder_without_results_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="holds no results"):
        read(tmp_path)
