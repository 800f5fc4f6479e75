"""How our requests become Gemini's, where the recordings don't say."""

from __future__ import annotations

from typing import Any

import pytest

from providers import ChatRequest, EmbeddingRequest, LLMProviderInvalidRequestError
from providers.google.messages import NO_SIGNATURE
from providers.google.requests import chat_body, embedding_body, is_openapi, model_path

USER = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "d", "parameters": SCHEMA, "strict": True},
}
SIGNED = {"google": {"thought_signature": "c2ln"}}
PATH = "/v1beta/models/{model}:generateContent"


def body_of(*messages: dict[str, Any], model: str = "gemini-2.5-flash", settings: Any = None, **fields: Any) -> Any:
    return chat_body(ChatRequest(model=model, messages=messages or [USER], **fields), settings=settings or {})


def call(name: str, arguments: Any = "{}", call_id: str = "call_1", **fields: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **fields}


def test_a_plain_chat():
    body = body_of(
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Always."}]},
        USER,
        max_tokens=7, temperature=0.5, top_p=0.9, stop="END", n=2, seed=3, user="u", logprobs=True, top_logprobs=2,
        presence_penalty=0.1, frequency_penalty=0.2,
    )  # fmt: skip

    assert body == {
        "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "Always."}]},
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generationConfig": {
            "temperature": 0.5, "topP": 0.9, "maxOutputTokens": 7, "candidateCount": 2, "presencePenalty": 0.1,
            "frequencyPenalty": 0.2, "seed": 3, "responseLogprobs": True, "logprobs": 2, "stopSequences": ["END"],
        },
    }  # fmt: skip


def test_extra_goes_through_and_its_config_is_laid_over_ours():
    body = body_of(
        max_tokens=7, stop=["a"], extra={"cachedContent": "c", "generationConfig": {"topK": 4, "maxOutputTokens": 9}}
    )

    assert body["cachedContent"] == "c"
    assert body["generationConfig"] == {"maxOutputTokens": 9, "stopSequences": ["a"], "topK": 4}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "text", "text": "a"}, {"text": "a"}),
        ({"type": "refusal", "refusal": "no"}, {"text": "no"}),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA-_"}},
            {"inlineData": {"mimeType": "image/png", "data": "AA-_"}},
        ),
        (
            {"type": "image_url", "image_url": "https://a.test/b.png?x=1"},
            {"fileData": {"fileUri": "https://a.test/b.png?x=1", "mimeType": "image/png"}},
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://www.youtube.com/watch?v=1"}},
            {"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}},
            {"inlineData": {"mimeType": "audio/mp3", "data": "AA"}},
        ),
        (
            {"type": "file", "file": {"file_data": "data:text/plain;charset=utf-8;base64,AA"}},
            {"inlineData": {"mimeType": "text/plain", "data": "AA"}},
        ),
        (
            {"type": "file", "file": {"file_data": "AA", "filename": "a.csv"}},
            {"inlineData": {"mimeType": "text/csv", "data": "AA"}},
        ),
        ({"type": "file", "file": {"file_data": "AA"}}, {"inlineData": {"mimeType": "application/pdf", "data": "AA"}}),
        (
            {"type": "file", "file": {"file_id": "https://a.test/files/1", "filename": "a.pdf"}},
            {"fileData": {"fileUri": "https://a.test/files/1", "mimeType": "application/pdf"}},
        ),
        ({"executableCode": {"code": "1"}}, {"executableCode": {"code": "1"}}),
    ],
)
def test_parts_become_geminis(part: dict[str, Any], expected: dict[str, Any]):
    assert body_of({"role": "user", "content": [part]})["contents"] == [{"role": "user", "parts": [expected]}]


def test_a_part_without_a_counterpart_is_refused_by_name():
    with pytest.raises(LLMProviderInvalidRequestError, match="'hologram'"):
        body_of({"role": "user", "content": [{"type": "hologram"}]})


def test_turns_without_words_are_left_out():
    assert body_of(USER, {"role": "assistant", "content": ""}, {"role": "user", "content": None})["contents"] == [
        {"role": "user", "parts": [{"text": "Hi"}]}
    ]


def test_calls_and_the_results_of_parallel_calls_find_their_names():
    body = body_of(
        USER,
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [call("f", '{"x":1}', extra_content=SIGNED), call("g", {"y": 2}, "own-2"), call("h", "", "")],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": '{"found": true}'},
        {"role": "tool", "tool_call_id": "own-2", "content": [{"type": "text", "text": "[1]"}]},
        {"role": "function", "name": "h", "content": "gone", "is_error": True},
        {"role": "user", "content": "And?"},
    )

    assert body["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {"text": "I look."},
                {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "c2ln"},
                {"functionCall": {"name": "g", "args": {"y": 2}, "id": "own-2"}},
                {"functionCall": {"name": "h", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "f", "response": {"found": True}}},
                {"functionResponse": {"name": "g", "response": {"output": "[1]"}, "id": "own-2"}},
                {"functionResponse": {"name": "h", "response": {"error": "gone"}}},
            ],
        },
        {"role": "user", "parts": [{"text": "And?"}]},
    ]


def test_a_result_may_hold_a_picture():
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}

    contents = body_of(USER, {"role": "tool", "tool_call_id": "x", "content": [picture]})["contents"]

    assert contents[1]["parts"][0]["functionResponse"] == {
        "name": "x",
        "response": {"output": ""},
        "parts": [{"inlineData": {"mimeType": "image/png", "data": "AA"}}],
        "id": "x",
    }


@pytest.mark.parametrize("arguments", ["{not json", "[1]"])
def test_an_earlier_call_with_broken_arguments_is_refused_by_name(arguments: str):
    with pytest.raises(LLMProviderInvalidRequestError, match="'f'"):
        body_of(USER, {"role": "assistant", "tool_calls": [call("f", arguments)]})


@pytest.mark.parametrize(
    ("model", "given", "expected"),
    [
        ("gemini-3-flash-preview", {}, [NO_SIGNATURE, None]),
        ("gemini-3-flash-preview", {"extra_content": SIGNED}, ["c2ln", None]),
        ("gemini-flash-latest", {}, [NO_SIGNATURE, None]),
        ("gemini-2.5-flash", {}, [None, None]),
    ],
)
def test_gemini_3_is_told_where_a_signature_was_lost(model: str, given: dict[str, Any], expected: list[Any]):
    turn = {"role": "assistant", "tool_calls": [call("f", **given), call("g", "{}", "call_2")]}

    parts = body_of(USER, turn, model=model)["contents"][1]["parts"]

    assert [part.get("thoughtSignature") for part in parts] == expected


def test_functions_share_one_tool_and_googles_own_go_through():
    bare = {"type": "function", "function": {"name": "bare"}}

    body = body_of(tools=[WEATHER, {"google_search": {}}, bare])

    assert body["tools"] == [
        {"functionDeclarations": [{"name": "weather", "description": "d", "parameters": SCHEMA}, {"name": "bare"}]},
        {"google_search": {}},
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "additionalProperties": False},
        {"type": ["string", "null"]},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}},
        {"type": "array", "items": {"const": 1}},
        {"anyOf": [{"type": "string"}, {"oneOf": []}]},
        {"type": "integer", "enum": [1, 2]},
        {"type": "string", "format": "uri"},
        {"type": "array", "items": True},
    ],
)
def test_parameters_beyond_googles_part_of_openapi_go_as_json_schema(schema: dict[str, Any]):
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}

    assert body_of(tools=[tool])["tools"][0]["functionDeclarations"] == [{"name": "f", "parametersJsonSchema": schema}]


def test_parameters_within_it_keep_to_it():
    inner = {"type": "string", "format": "date-time", "enum": ["a"]}

    assert is_openapi({"type": "object", "properties": {"a": {"type": "array", "items": {"anyOf": [inner]}}}})


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"mode": "AUTO"}),
        ("required", {"mode": "ANY"}),
        ("none", {"mode": "NONE"}),
        (
            {"type": "function", "function": {"name": "weather"}},
            {"mode": "ANY", "allowedFunctionNames": ["weather"]},
        ),
        (None, None),
    ],
)
def test_the_choice_of_tools(choice: Any, expected: Any):
    body = body_of(tools=[WEATHER], tool_choice=choice)

    assert body.get("toolConfig") == (expected and {"functionCallingConfig": expected})


def test_structured_output():
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}

    assert body_of(response_format=wanted)["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
    }
    assert body_of(response_format={"type": "json_object"})["generationConfig"] == {
        "responseMimeType": "application/json"
    }
    assert "generationConfig" not in body_of(response_format={"type": "text"})


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("gemini-2.5-flash", "high", {"thinkingBudget": 24_576, "includeThoughts": True}),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("models/gemini-2.5-pro", "none", {"thinkingBudget": 128}),
        ("gemini-3-flash-preview", "minimal", {"thinkingLevel": "minimal", "includeThoughts": True}),
        ("gemini-3.1-pro-preview", "minimal", {"thinkingLevel": "low", "includeThoughts": True}),
        ("gemini-3.8-flash", "minimal", {"thinkingLevel": "low", "includeThoughts": True}),
        ("models/gemini-flash-latest", "none", {"thinkingLevel": "low"}),
        ("gemini-3.5-flash", "none", {"thinkingLevel": "minimal"}),
        ("gemini-4-argon", "minimal", {"thinkingLevel": "low", "includeThoughts": True}),
        ("gemini-pro-latest", "minimal", {"thinkingLevel": "low", "includeThoughts": True}),
        ("gemini-12-flash", "xhigh", {"thinkingLevel": "high", "includeThoughts": True}),
        ("gemini-2.0-flash", "high", None),
        ("gemini-2.5-flash", None, None),
    ],
)
def test_effort_is_a_level_or_a_budget(model: str, effort: str | None, expected: Any):
    config = body_of(model=model, reasoning_effort=effort).get("generationConfig", {})

    assert config.get("thinkingConfig") == expected


def test_the_providers_options_are_in_the_body():
    settings = {"safety_settings": [{"category": "c", "threshold": "t"}], "include_thoughts": True}

    body = body_of(settings=settings)

    assert body["safetySettings"] == settings["safety_settings"]
    assert body["generationConfig"] == {"thinkingConfig": {"includeThoughts": True}}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:generateContent"),
        ("models/gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:generateContent"),
        ("tunedModels/mine", "/v1beta/tunedModels/mine:generateContent"),
        ("a?b#c", "/v1beta/models/a%3Fb%23c:generateContent"),
    ],
)
def test_the_path_names_the_model(model: str, expected: str):
    assert model_path(PATH, model) == expected


@pytest.mark.parametrize("model", ["", "..", "../files", "a//b", "models/."])
def test_a_name_that_leads_elsewhere_is_refused(model: str):
    with pytest.raises(LLMProviderInvalidRequestError, match="no name of a model"):
        model_path(PATH, model)


def test_each_text_is_a_request_for_one_vector():
    request = EmbeddingRequest(model="e", input=["a", "b"], dimensions=8, extra={"taskType": "CLUSTERING"})

    assert embedding_body(request)["requests"][1] == {
        "model": "models/e",
        "content": {"parts": [{"text": "b"}]},
        "outputDimensionality": 8,
        "taskType": "CLUSTERING",
    }
    assert len(embedding_body(EmbeddingRequest(model="e", input="one text"))["requests"]) == 1
