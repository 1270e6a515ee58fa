from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from laneway.faces.cli import main

EXAMPLES = Path(__file__).parents[3] / "examples"


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def message(self) -> str:
        """Standard error without its line breaks."""
        return " ".join(self.err.split())


Cli = Callable[..., Result]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs one command as a shell would, into pipes."""
    monkeypatch.delenv("LANEWAY_DEBUG", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def run(*words: object) -> Result:
        with pytest.raises(SystemExit) as exit_:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        return Result(int(exit_.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def examples() -> Path:
    return EXAMPLES


@pytest.fixture
def copy(tmp_path: Path) -> Callable[..., Path]:
    """A copy of scenario 1 with replacements in its files."""

    def copy(**replacements: tuple[str, str]) -> Path:
        folder = tmp_path / "mesh"
        folder.mkdir()
        for path in (EXAMPLES / "scenario-1").iterdir():
            text = path.read_text()
            for old, new in replacements.values():
                text = text.replace(old, new)
            (folder / path.name).write_text(text)
        return folder

    return copy
