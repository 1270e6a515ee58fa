"""The console's types come from laneway's own OpenAPI document."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Golden

from laneway.apiserver import discovery
from laneway.apiserver.resources import served
from laneway.compile.simulate import Why
from laneway.compile.simulate.phrases import Phrase

CONSOLE = Path(__file__).parents[3] / "console"
VERSIONS = ("laneway.dev/v1alpha1", "v1", "networking.istio.io/v1beta1")


def schemas() -> dict[str, Any]:
    """The schemas of all kinds that the console shows, without the paths."""
    found: dict[str, Any] = {}
    for version in VERSIONS:
        document = discovery.openapi(version, served(), "console")
        assert document is not None
        found |= document["components"]["schemas"]
    return {
        "openapi": "3.0.0",
        "info": {"title": "laneway", "version": "console"},
        "paths": {},
        "components": {"schemas": found},
    }


def test_the_console_has_all_sentences_of_the_simulator_in_chinese() -> None:
    text = (CONSOLE / "src/texts/phrases.ts").read_text()
    chinese = re.findall(r"^  '?([a-z ]+)'?:\s+'(.*)',$", text, re.MULTILINE)
    ours = {each.code: _names(r"{(\w+)}", each.value) for each in Phrase}
    assert {code: _names(r"{{(\w+)}}", said) for code, said in chinese} == ours


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_console_has_all_kinds_of_reasons(language: str) -> None:
    text = (CONSOLE / f"src/texts/{language}.ts").read_text()
    why = text.partition("    why: {")[2].partition("\n    },")[0]
    kinds = re.findall(r"^      (?:'([^']+)'|\"([^\"]+)\"|(\w+)):", why, re.MULTILINE)
    assert {"".join(each) for each in kinds} == {each.value for each in Why}


def _names(pattern: str, text: str) -> set[str]:
    return set(re.findall(pattern, text))


def test_the_openapi_document_of_the_console_is_current(golden: Golden) -> None:
    text = json.dumps(schemas(), indent=1, ensure_ascii=False) + "\n"
    golden(CONSOLE / "openapi.json", text)


def test_the_types_are_generated_from_it() -> None:
    generator = CONSOLE / "node_modules/.bin/openapi-typescript"
    if shutil.which("node") is None or not generator.exists():
        pytest.skip("the console's packages are not installed: `make console` installs them")
    done = subprocess.run(
        [generator, "openapi.json", "--output", "src/api/schema.ts", "--check"],
        cwd=CONSOLE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"run `npm run types` in console/: {done.stderr}"
