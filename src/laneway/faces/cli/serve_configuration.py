"""The settings of ``laneway serve``, from one table: flags, the environment, and a file.

``--data-dir`` is ``LANEWAY_DATA_DIR`` in the environment and ``data-dir`` in the file, and so are
the others. A flag goes before the environment, and that before the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from laneway.faces.cli.failures import Failed
from laneway.model.suggestions import suggestion


def _dashed(name: str) -> str:
    return name.replace("_", "-")


class ServeConfiguration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_dashed, strict=True)

    data_dir: str | None = None
    listen: str | None = None
    console: str | None = None
    host: list[str] = Field(default_factory=list)
    tls_cert: str | None = None
    tls_key: str | None = None
    concurrency: int = Field(2, ge=1, le=64)
    envoy: str | None = None
    access_log: bool = False
    log_header: list[str] = Field(default_factory=list)
    explain: str | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    history_days: int = Field(30, ge=1, le=36_500)
    history_revisions: int = Field(100_000, ge=1_000, le=10_000_000)


def configuration(file: Path | None, given: Mapping[str, Any]) -> ServeConfiguration:
    """``given`` are flags and the environment; None and empty lists are not given.

    Raises ``Failed``, which names the file, the field, and what would be right.
    """
    stated = {_dashed(name): value for name, value in given.items() if value not in (None, [])}
    try:
        return ServeConfiguration.model_validate({**_read(file), **stated})
    except ValidationError as error:
        raise Failed("\n".join(_sentence(each, stated, file) for each in error.errors())) from None


def _read(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failed(f"{file}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Failed(f"{file} is no YAML: {error}") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise Failed(f"{file}: expected settings such as `listen: 127.0.0.1:7443`")
    return {str(name): value for name, value in data.items()}


def _sentence(error: Any, stated: Mapping[str, Any], file: Path | None) -> str:
    name = str(error["loc"][0])
    where = f"--{name}" if name in stated or file is None else f"{file}: {name}"
    if error["type"] == "extra_forbidden":
        known = [_dashed(field) for field in ServeConfiguration.model_fields]
        fix = suggestion(name, known, f"there is {', '.join(known)}")
        return f"{where}: there is no such setting; {fix}"
    return f"{where}: `{_written(error['input'])}` is not {_expected(error)}"


def _written(value: Any) -> str:
    """As the file has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _expected(error: Any) -> str:
    """What a setting takes, from pydantic's error about one."""
    bound = error.get("ctx", {})
    match error["type"]:
        case "literal_error":
            return f"one of {bound['expected'].replace(' or ', ', ').replace(chr(39), '')}"
        case "greater_than_equal":
            return f"at least {bound['ge']}"
        case "less_than_equal":
            return f"at most {bound['le']}"
        case "string_type":
            return "text: quote it"
        case "list_type":
            return "a list, such as [a, b]"
        case "bool_type":
            return "true or false"
        case "int_type" | "int_from_float":
            return "a whole number"
        case _:
            return f"right: {error['msg']}"
