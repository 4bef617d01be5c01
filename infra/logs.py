"""Structured logs: one JSON object a line on stderr (plain text on a terminal), a fixed `action`, opaque identifiers, never PHI."""

import logging.config
import sys
from typing import Any

import structlog

SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(role: str) -> None:
    """Sets up logging for one process; third-party loggers speak from WARNING up, and their messages pass the same way."""
    structlog.configure(
        processors=[*SHARED, structlog.processors.format_exc_info, structlog.processors.EventRenamer("action"), _renderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(role=role)
    logging.config.dictConfig(standard_config())


def standard_config() -> dict[str, Any]:
    """The standard library's logging as a dictConfig, for those who insist on setting it up themselves (Faust does)."""
    formatter = {"()": structlog.stdlib.ProcessorFormatter, "processor": _renderer(), "foreign_pre_chain": SHARED}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured", "stream": "ext://sys.stderr"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
    }


def _renderer() -> structlog.typing.Processor:
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(event_key="action")
    return structlog.processors.JSONRenderer()


def logger(room: str) -> structlog.typing.FilteringBoundLogger:
    """The logger of one room; call it as `log.info("action_name", key=value)`."""
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger(room=room)
    return bound
