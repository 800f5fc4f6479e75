"""Server-sent events as servers and the proxies between really write them."""

from __future__ import annotations

import json

import pytest

from providers import LLMProviderServiceError
from tests.providers.canned import events, fail, listen
from tests.providers.dialect_exchanges import piece

FIRST = json.dumps(piece({"content": "é€😀 "}), ensure_ascii=False)
LAST = json.dumps(piece({"content": "end"}, "stop"))
PRETTY = json.dumps(piece({"content": "é€😀 "}), ensure_ascii=False, indent=1).replace("\n", "\ndata: ")

WRITTEN = {
    "line-feeds": f"data: {FIRST}\n\ndata: {LAST}\n\ndata: [DONE]\n\n",
    "crlf": f"data: {FIRST}\r\n\r\ndata: {LAST}\r\n\r\ndata: [DONE]\r\n\r\n",
    "carriage-returns": f"data: {FIRST}\r\rdata: {LAST}\r\rdata: [DONE]\r\r",
    "no-space": f"data:{FIRST}\n\ndata:{LAST}\n\ndata:[DONE]\n\n",
    "byte-order-mark": f"\ufeffdata: {FIRST}\n\ndata: {LAST}\n\ndata: [DONE]\n\n",
    "comments": f": PROCESSING\n\n:\n\ndata: {FIRST}\n\n: keep-alive\n\ndata: {LAST}\n\ndata: [DONE]\n\n",
    "ids-and-names": f"id: 1\nevent: message\nretry: 9\ndata: {FIRST}\n\nevent: x\ndata: {LAST}\n\nid: 2\ndata: [DONE]\n\n",
    "on-many-lines": f"data: {PRETTY}\n\ndata: {LAST}\n\ndata: [DONE]\n\n",
    "empty-events": f"data:\n\ndata: {FIRST}\n\ndata: \n\ndata: {LAST}\n\ndata: [DONE]\n\n",
    "pings": f'event: ping\ndata: {{"type": "ping"}}\n\ndata: {FIRST}\n\ndata: null\n\ndata: {LAST}\n\ndata: [DONE]\n\n',
    "no-marker": f"data: {FIRST}\n\ndata: {LAST}\n\n",
    "no-last-line-end": f"data: {FIRST}\n\ndata: {LAST}",
    "spaces-after-the-marker": f"data: {FIRST}\n\ndata: {LAST}\n\ndata: [DONE]  \n\n",
    "more-after-the-marker": f"data: {FIRST}\n\ndata: {LAST}\n\ndata: [DONE]\n\ndata: not json\n\ndata: {FIRST}\n\n",
}


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("name", WRITTEN)
async def test_a_stream_is_read_however_it_is_written_and_cut(name: str, size: int):
    text = WRITTEN[name].encode()
    cut = [text[start : start + size] for start in range(0, len(text), size)]

    chunks = await listen("local", cut)

    assert "".join(chunk.text for chunk in chunks) == "é€😀 end"
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]


async def test_llama_cpps_errors_stand_in_a_field_of_their_own():
    said = b'error: {"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}\n\n'

    begun = await fail("local", events(piece({"content": "a"}), done=False) + said, is_stream=True)
    at_once = await fail("local", said, is_stream=True)

    assert begun.message == at_once.message == "the request exceeds the available context size"
    assert begun.status == 400
    assert begun.exceeds_context


@pytest.mark.parametrize(
    "stream",
    [
        b": PROCESSING\n\n: PROCESSING\n\n",
        b"",
        b"data: [DONE]\n\n",
        b"<html>A portal</html>",
        b'"text"',
        b"data: not json\n\n",
    ],
    ids=["comments", "nothing", "only-the-marker", "page", "value", "no-json"],
)
async def test_a_stream_that_holds_no_answer_is_an_error(stream: bytes):
    error = await fail("local", stream, is_stream=True)

    assert type(error) is LLMProviderServiceError
    assert error.code in ("stream_cut", "unreadable_answer")


@pytest.mark.parametrize("key", ["detail", "message", "error"])
async def test_words_that_nest_too_deeply_to_be_shown_are_left_out(key: str):
    deep = f'{{"{key}":' * 1000 + '"x"' + "}" * 1000

    for status in (200, 400):
        error = await fail("openrouter", f'{{"error": {{"message": {deep}}}}}'.encode(), status=status)
        assert error.message
