"""Logs carry ids and codes: never contents, names, keys or tokens."""

import logging
import sys
import traceback

import structlog

_TEXT = structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])


def configure_logs(*, in_json: bool = False) -> None:
    """One line per event on stderr; of other libraries only who complains, and of what kind."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer() if in_json else _TEXT,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Libraries()], level=logging.WARNING, force=True)


def place_of(error: BaseException) -> str:
    """Where an error was raised: functions and lines, for its text may hold anything."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))


class _Libraries(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        kind, error, _ = record.exc_info or (None, None, None)
        structlog.get_logger().log(
            record.levelno,
            "library",
            library=record.name,
            error=None if kind is None else kind.__name__,
            place=None if error is None else place_of(error),
        )
