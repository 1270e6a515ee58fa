"""No test finds results of another test's replacements. The first two tests are one case."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest
from tests.process_caches import caches_of

from laneway.compile.envoy import clusters, egress

SOURCES = Path(__file__).parents[1] / "src"
CACHES = {"cache", "lru_cache"}


def built() -> str:
    """Filters that the process keeps, as text."""
    return "".join(str(each.typed_config.value) for each in egress.egress_filters())


def test_what_a_test_replaces_is_used_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    config = clusters.dns_cache()
    config.name = "replaced"
    monkeypatch.setattr(egress, "dns_cache", lambda: config)
    assert "replaced" in built()


def test_and_has_left_nothing_for_the_next_test() -> None:
    assert "replaced" not in built()


@pytest.mark.slow
def test_no_cache_is_overlooked() -> None:
    """Each function that the sources decorate, wherever it stands."""
    for path in sorted(SOURCES.rglob("*.py")):
        decorated = [
            node.name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.FunctionDef) and any(map(_is_cache, node.decorator_list))
        ]
        name = ".".join(path.relative_to(SOURCES).with_suffix("").parts)
        if decorated:
            found = caches_of(importlib.import_module(name))
            assert [cache.__name__ for cache in found] == decorated, name


def _is_cache(decorator: ast.expr) -> bool:
    named = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(named).rpartition(".")[2] in CACHES
