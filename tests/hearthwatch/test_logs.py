"""Lines of the log go to what is standard error when they are written."""

import io
import json
import sys

import pytest
import structlog

from hearthwatch.logs import configure, say


def test_a_line_goes_to_standard_error_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    before = structlog.get_config()
    at_start, now = io.StringIO(), io.StringIO()
    try:
        monkeypatch.setattr(sys, "stderr", at_start)
        configure()
        at_start.close()
        monkeypatch.setattr(sys, "stderr", now)
        say("broker_connected", "hub-urgent")
    finally:
        structlog.configure(**before)
    line = json.loads(now.getvalue())
    assert (line["event"], line["detail"]) == ("broker_connected", "hub-urgent")
