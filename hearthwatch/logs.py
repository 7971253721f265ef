"""JSON lines on standard error: event, time, fields. No names, phones or health data in them."""

import sys

import structlog


def configure() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def say(event: str, detail: str) -> None:
    """What the rooms are given as their log."""
    structlog.get_logger().info(event, detail=detail)
