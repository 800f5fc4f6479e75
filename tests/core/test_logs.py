import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from django.conf import settings

from llmadmin.core import logs, request_id
from llmadmin.core.redaction import hide

CANARY = "canary plaintext of no known shape"


@pytest.fixture(params=["json", "lines"])
def lines(request) -> Iterator[io.StringIO]:
    """Everything that is logged meanwhile, in both forms."""
    logs.configure({"format": request.param, "level": "INFO"})
    stream = io.StringIO()
    logging.getLogger().handlers[0].setStream(stream)
    yield stream
    logs.configure(settings.LOGGING)


def test_g09_no_known_secret_reaches_a_line_by_any_way(lines):
    hide(CANARY)
    standard, structured = logging.getLogger("some.library"), structlog.get_logger("ours")

    standard.warning("sent %s", CANARY)
    standard.warning("sent", extra={"body": {"deep": [CANARY]}})
    structured.warning(f"sent {CANARY}", header=CANARY, nested={"list": [{"key": CANARY}]})
    try:
        raise ValueError(f"upstream said {CANARY}")
    except ValueError:
        standard.exception("failed")
        structured.exception("failed")

    assert "upstream said" in lines.getvalue()
    assert "[redacted]" in lines.getvalue()
    assert CANARY not in lines.getvalue()


def test_g09_values_under_secret_names_are_removed_whatever_they_look_like(lines):
    structlog.get_logger("ours").warning("saved", api_key="hunter2-and-more", headers={"Authorization": "plain words"})

    assert "hunter2" not in lines.getvalue()
    assert "plain words" not in lines.getvalue()


def test_lines_carry_the_request_id():
    logs.configure({"format": "json", "level": "INFO"})
    stream = io.StringIO()
    logging.getLogger().handlers[0].setStream(stream)
    request_id.bind("req_of_this_test")

    logging.getLogger("any").info("hello")

    line = json.loads(stream.getvalue())
    assert (line["event"], line["request_id"], line["level"], line["logger"]) == (
        "hello",
        "req_of_this_test",
        "info",
        "any",
    )
    request_id.bind("")
    logs.configure(settings.LOGGING)


def test_logs_go_to_standard_error_so_that_standard_output_carries_the_answer_alone(capsys):
    logs.configure({"format": "lines", "level": "INFO"})

    logging.getLogger("any").warning("look here")

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "look here" in captured.err
    logs.configure(settings.LOGGING)
