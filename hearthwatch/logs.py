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
        # Asked for at each line: what was standard error then may be closed by now.
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
    )


def say(event: str, detail: str) -> None:
    """What the rooms are given as their log."""
    structlog.get_logger().info(event, detail=detail)
