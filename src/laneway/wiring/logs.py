"""Configures logging, to standard error, so that standard output has only data.

On a terminal, lines are formatted for people. Elsewhere each line is a JSON object, for journals
and log collectors. Records of the standard ``logging`` come out in the same format.
"""

from __future__ import annotations

import logging
import sys

import structlog


def log_to_stderr(level: int = logging.WARNING) -> None:
    """Records below ``level`` (of the standard ``logging`` levels) are dropped."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if sys.stderr.isatty():
        rendered: list[structlog.typing.Processor] = [structlog.dev.ConsoleRenderer()]
    else:
        rendered = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[meta, *rendered])
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler])
