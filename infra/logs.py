"""Structured logs: one JSON object a line on stderr (plain text on a terminal), a fixed `action`, opaque identifiers, never PHI."""

import logging
import sys

import structlog


def configure(role: str) -> None:
    """Sets up logging for one process; third-party loggers speak from WARNING up, and their messages pass the same way."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(role=role)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def logger(room: str) -> structlog.typing.FilteringBoundLogger:
    """The logger of one room; call it as `log.info("action_name", key=value)`."""
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger(room=room)
    return bound
