"""Exchanges that vendors' documentation describes and the recordings lack: each as one body and as a stream of the same answer.

The values are made up; the shapes are those of the API references and of bug reports about clients that misread them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from providers import Usage
from tests.providers.canned import events


@dataclass(frozen=True)
class Exchange:
    """`calls` are ids, names and arguments, an id of None standing for any; `stream` is None where only bodies differ."""

    name: str
    body: dict[str, Any]
    stream: bytes | None
    slug: str = "local"
    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str | None, str, str]] = field(default_factory=list)
    finish_reason: str = "stop"
    usage: Usage | None = None
    cost_usd: str | None = None


def body(message: Any, finish_reason: Any = "stop", usage: Any = None, **fields: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return {"id": "a-1", "choices": [choice], "usage": usage, **fields}


def piece(delta: Any, finish_reason: Any = None, **fields: Any) -> dict[str, Any]:
    return {"id": "a-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}], **fields}


def last(usage: Any, **fields: Any) -> dict[str, Any]:
    return {"id": "a-1", "choices": [], "usage": usage, **fields}


GROQ_USAGE = {
    "queue_time": 0.01, "prompt_tokens": 40, "prompt_time": 0.002, "completion_tokens": 9, "completion_time": 0.03,
    "total_tokens": 49, "total_time": 0.032, "completion_tokens_details": {"reasoning_tokens": 4},
}  # fmt: skip
DEEPSEEK_USAGE = {
    "prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130, "prompt_cache_hit_tokens": 64,
    "prompt_cache_miss_tokens": 36, "completion_tokens_details": {"reasoning_tokens": 20},
}  # fmt: skip
XAI_USAGE = {
    "prompt_tokens": 10120, "completion_tokens": 1499, "total_tokens": 14428,
    "prompt_tokens_details": {"cached_tokens": 128, "text_tokens": 10120},
    "completion_tokens_details": {"reasoning_tokens": 2809}, "num_sources_used": 0, "cost_in_usd_ticks": 232856000,
}  # fmt: skip
PERPLEXITY_USAGE = {
    "prompt_tokens": 12, "completion_tokens": 40, "total_tokens": 52, "search_context_size": "low",
    "cost": {"input_tokens_cost": 0.000012, "output_tokens_cost": 0.00004, "request_cost": 0.005, "total_cost": 0.005052},
}  # fmt: skip
MOONSHOT_USAGE = {"prompt_tokens": 19, "completion_tokens": 13, "total_tokens": 32, "cached_tokens": 10}
OPENROUTER_USAGE = {
    "prompt_tokens": 50, "completion_tokens": 20, "total_tokens": 70, "cost": 0.00014, "is_byok": False,
    "prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 11}, "cost_details": {"upstream_inference_cost": None},
}  # fmt: skip
DETAILS = [
    {"type": "reasoning.text", "text": "Let me ", "format": "anthropic-claude-v1", "index": 0},
    {"type": "reasoning.summary", "summary": "think.", "index": 1},
    {"type": "reasoning.encrypted", "data": "gAAAAA", "index": 2},
]
MISTRAL_CONTENT = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm. "}, {"type": "text", "text": "Yes."}]},
    {"type": "text", "text": "Pa"},
    {"type": "reference", "reference_ids": [1]},
    {"type": "text", "text": "ris"},
]


def call(name: str, arguments: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **fields}


EXCHANGES = (
    Exchange(
        "groq tells usage under its own key and again at the end",
        body({"role": "assistant", "content": "Hi", "reasoning": "So."}, usage=GROQ_USAGE, x_groq={"id": "req_1"}),
        events(
            piece({"role": "assistant", "content": ""}, x_groq={"id": "req_1"}),
            piece({"reasoning": "So.", "channel": "analysis"}),
            piece({"content": "Hi"}),
            piece({}, "stop", x_groq={"id": "req_1", "usage": GROQ_USAGE}),
            last(GROQ_USAGE),
        ),
        text="Hi", reasoning="So.", usage=Usage(40, 0, 0, 5, 4),
    ),
    Exchange(
        "deepseek counts cache hits by a name of its own",
        body({"role": "assistant", "content": "Hi", "reasoning_content": "So."}, usage=DEEPSEEK_USAGE),
        events(
            piece({"role": "assistant", "content": None, "reasoning_content": "So."}, usage=None),
            piece({"content": "Hi", "reasoning_content": None}, usage=None),
            piece({"content": "", "reasoning_content": None}, "stop", usage=DEEPSEEK_USAGE),
        ),
        text="Hi", reasoning="So.", usage=Usage(36, 64, 0, 10, 20),
    ),
    Exchange(
        "xai leaves reasoning out of the completion and counts in each chunk",
        body({"role": "assistant", "content": "Hi", "refusal": None}, usage=XAI_USAGE),
        events(
            piece({"role": "assistant", "content": "H"}, usage={"prompt_tokens": 10120, "completion_tokens": 1}),
            piece({"content": "i"}, usage={"prompt_tokens": 10120, "completion_tokens": 2}),
            piece({}, "stop", usage={"prompt_tokens": 10120, "completion_tokens": 3}),
            last(XAI_USAGE),
        ),
        text="Hi", usage=Usage(9992, 128, 0, 1499, 2809), cost_usd="0.0232856",
    ),
    Exchange(
        "perplexity repeats the whole message beside each delta",
        body({"role": "assistant", "content": "Hi"}, usage=PERPLEXITY_USAGE, citations=["https://a.test"]),
        events(
            {"id": "a-1", "usage": PERPLEXITY_USAGE, "citations": ["https://a.test"], "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "H"}, "delta": {"content": "H"}},
            ]},
            {"id": "a-1", "usage": PERPLEXITY_USAGE, "choices": [
                {"index": 0, "message": {"content": "Hi"}, "delta": {"content": "i"}, "finish_reason": "stop"},
            ]},
            done=False,
        ),
        text="Hi", usage=Usage(12, 0, 0, 40, 0), cost_usd="0.005052",
    ),
    Exchange(
        "together has a text beside each delta and says eos",
        body({"role": "assistant", "content": "Hi", "tool_calls": []}, "eos", {**MOONSHOT_USAGE, "cached_tokens": 0}),
        events(
            {"id": "a-1", "choices": [{"index": 0, "text": "Hi", "delta": {"content": "Hi"}, "logprobs": None}], "usage": None},
            {"id": "a-1", "choices": [{"index": 0, "text": "", "delta": {"content": ""}, "finish_reason": "eos", "seed": 1}],
             "usage": {**MOONSHOT_USAGE, "cached_tokens": 0}},
        ),
        text="Hi", usage=Usage(19, 0, 0, 13, 0),
    ),
    Exchange(
        "moonshot puts the usage into the choice",
        body({"role": "assistant", "content": "Hi"}, usage=MOONSHOT_USAGE),
        events(
            piece({"role": "assistant", "content": "Hi"}),
            {"id": "a-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": MOONSHOT_USAGE}]},
        ),
        text="Hi", usage=Usage(9, 10, 0, 13, 0),
    ),
    Exchange(
        "gemini numbers every call 0 and names none",
        body(
            {"role": "assistant", "tool_calls": [call("f", '{"a":1}', id=""), call("f", '{"a":2}', id="")]}, "stop",
        ),
        events(
            piece({"role": "assistant", "tool_calls": [call("f", '{"a":1}', id="", index=0)]}),
            piece({"role": "assistant", "tool_calls": [call("f", '{"a":2}', id="", index=0)]}),
            piece({"role": "assistant"}, "stop"),
        ),
        calls=[(None, "f", '{"a":1}'), (None, "f", '{"a":2}')], finish_reason="tool_calls",
    ),
    Exchange(
        "calls without ids and indices in one chunk",
        body({"content": None, "tool_calls": [call("f", {}), call("g", None), call("g", "")]}, "tool_calls"),
        None,
        calls=[(None, "f", "{}"), (None, "g", "{}"), (None, "g", "{}")], finish_reason="tool_calls",
    ),
    Exchange(
        "mistral answers in parts and sends each call whole",
        body(
            {"role": "assistant", "content": MISTRAL_CONTENT, "tool_calls": [call("f", '{"a": 1}', id="D681PevKs", index=0)]},
            "tool_calls", {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "num_cached_tokens": 4},
        ),
        events(
            piece({"role": "assistant", "content": ""}),
            piece({"content": MISTRAL_CONTENT[:1]}),
            piece({"content": MISTRAL_CONTENT[1:]}),
            piece({"content": "", "tool_calls": [call("f", '{"a": 1}', id="D681PevKs", index=0)]}, "tool_calls",
                  usage={"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "num_cached_tokens": 4}),
        ),
        slug="mistral", text="Paris", reasoning="Hm. Yes.", calls=[("D681PevKs", "f", '{"a": 1}')],
        finish_reason="tool_calls", usage=Usage(5, 4, 0, 5, 0),
    ),
    Exchange(
        "openrouter says its reasoning twice and comments between",
        body({"role": "assistant", "content": "Hi", "reasoning": "Let me think.", "reasoning_details": DETAILS}, usage=OPENROUTER_USAGE),
        b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n" + events(
            piece({"role": "assistant", "content": "", "reasoning": "Let me ", "reasoning_details": DETAILS[:1]}),
            piece({"role": "assistant", "content": "", "reasoning": "think.", "reasoning_details": DETAILS[1:]}),
            piece({"role": "assistant", "content": "Hi"}),
            piece({"role": "assistant", "content": ""}, "stop", usage=OPENROUTER_USAGE),
        ),
        slug="openrouter", text="Hi", reasoning="Let me think.", usage=Usage(15, 30, 5, 9, 11), cost_usd="0.00014",
    ),
    Exchange(
        "text-generation-inference numbers its calls and sends arguments as objects",
        body({"role": "assistant", "tool_calls": [call("f", {"a": [1]}, id=0)]}, "eos_token"),
        events(
            piece({"role": "assistant", "tool_calls": [call("f", {"a": [1]}, id=0, index=0)]}, "eos_token"), done=False,
        ).replace(b"data: ", b"data:"),
        slug="huggingface", calls=[("0", "f", '{"a":[1]}')], finish_reason="tool_calls",
    ),
    Exchange(
        "azure begins with its filter and leaves the delta out",
        body({"role": "assistant", "content": "Hi", "refusal": None, "annotations": []}, usage=MOONSHOT_USAGE,
             prompt_filter_results=[{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False}}}]),
        events(
            {"id": "", "model": "", "object": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
            piece({"role": "assistant", "content": "Hi"}),
            {"id": "", "choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {"end_offset": 2}}]},
            piece(None, "stop"),
            last(MOONSHOT_USAGE),
        ),
        slug="azure", text="Hi", usage=Usage(9, 10, 0, 13, 0),
    ),
    Exchange(
        "vllm gives each piece of a call another id",
        body({"role": "assistant", "content": None, "reasoning": "So.", "tool_calls": [call("f", '{"a": {"b": 1}}', id="c1")]},
             "tool_calls", MOONSHOT_USAGE, prompt_logprobs=None),
        events(
            piece({"role": "assistant", "content": "", "reasoning": "So."}, usage={"prompt_tokens": 19}),
            piece({"tool_calls": [call("f", "", id="c1", index=0)]}),
            piece({"tool_calls": [{"id": "c2", "index": 0, "function": {"name": None, "arguments": '{"a": '}}]}),
            piece({"tool_calls": [{"id": "c3", "index": 0, "function": {"arguments": '{"b": 1}}'}}]}),
            piece({"content": "", "tool_calls": None}, "tool_calls", stop_reason=None),
            last(MOONSHOT_USAGE),
        ),
        slug="vllm", reasoning="So.", calls=[("c1", "f", '{"a": {"b": 1}}')], finish_reason="tool_calls",
        usage=Usage(9, 10, 0, 13, 0),
    ),
    Exchange(
        "dashscope says the name again with every piece",
        body({"content": "", "tool_calls": [call("f", '{"a":1}', id="c1", index=0)]}, "tool_calls"),
        events(
            piece({"content": None, "tool_calls": [call("f", '{"a":', id="c1", index=0)]}, "null"),
            piece({"content": None, "tool_calls": [call("f", "1}", id="", index=0)]}, ""),
            piece({"content": ""}, "tool_calls"),
        ),
        calls=[("c1", "f", '{"a":1}')], finish_reason="tool_calls",
    ),
    Exchange(
        "portkey passes claude's blocks on",
        body({"role": "assistant", "content": "Hi", "content_blocks": [
            {"type": "thinking", "thinking": "So.", "signature": "c2ln"}, {"type": "text", "text": "Hi"},
        ]}, "end_turn", {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 1224, "cache_read_input_tokens": 1217},
            hook_results={"before_request_hooks": []}),
        events(
            {"hook_results": {"before_request_hooks": []}, "id": "a-1", "choices": [{"index": 0, "delta": {}}]},
            piece({"content_blocks": [{"index": 0, "delta": {"thinking": "So."}}]}),
            piece({"content": "Hi", "content_blocks": [{"index": 1, "delta": {"text": "Hi"}}]}),
            piece({}, "end_turn", usage={
                "prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 1224, "cache_read_input_tokens": 1217,
            }),
        ),
        slug="portkey", text="Hi", reasoning="So.", usage=Usage(3, 1217, 0, 4, 0),
    ),
    Exchange(
        "openai refuses in a field of its own, with log probabilities and padding",
        body({"role": "assistant", "content": None, "refusal": "No."}, usage={"prompt_tokens": 1, "completion_tokens": 2}),
        events(
            piece({"role": "assistant", "content": None, "refusal": "No."}, obfuscation="x9"),
            {**piece({}, "stop"), "service_tier": "default"},
            last({"prompt_tokens": 1, "completion_tokens": 2}),
        ),
        slug="openai", usage=Usage(1, 0, 0, 2, 0),
    ),
    Exchange(
        "a second choice does not mix with the first",
        {"choices": [
            {"index": 1, "message": {"content": "two"}, "finish_reason": "length"},
            {"index": 0, "message": {"content": "one"}, "finish_reason": "stop"},
        ]},
        events(
            {"choices": [{"index": 1, "delta": {"content": "two"}}]}, {"choices": [{"index": 0, "delta": {"content": "one"}}]},
            {"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        ),
        slug="openai", text="one",
    ),
    Exchange(
        "thinking in tags stays text",
        body({"content": "<think>Hm.</think>Hi"}, "length"),
        events(piece({"content": "<think>Hm.</think>"}), piece({"content": "Hi"}), piece({}, "length")),
        text="<think>Hm.</think>Hi", finish_reason="length",
    ),
    Exchange(
        "a stream may end with nothing but its marker",
        body({"content": None, "tool_calls": [call("f", None, id=7)]}, None),
        events(piece({"tool_calls": [call("f", None, id=7, index=0)]})),
        calls=[("7", "f", "{}")], finish_reason="tool_calls",
    ),
)  # fmt: skip
