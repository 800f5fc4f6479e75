"""`LLMProviderManager`: the one object an application holds to call any model by any of its names."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import httpx

from providers import answers
from providers.answers import Batch, Gathering, ModelStream, Result
from providers.cache import ResponseCache, cache_key
from providers.config import LLMConfig, LLMModelConfig, Resolution, UnknownNameError
from providers.cost import CostCalculator, configured_price
from providers.entries import PriceConfig
from providers.environment import with_environment_key
from providers.errors import LLMProviderError
from providers.fields import Problems, name_of
from providers.fleet import Fleet
from providers.health import Circuit
from providers.llm_config import current_config
from providers.plan import Outcome, Plan
from providers.reader import change_provider, read_model
from providers.router import Router
from providers.sync import run_sync
from providers.types import ChatChunk, ChatRequest, ChatResponse, ModelInfo, Usage

DEFAULT_CONCURRENCY = 8

_OF_THE_CALL = ("deadline_s", "max_retries", "affinity")


class LLMProviderManager:
    """Calls models by alias, agent, `provider/name` or a bare name that only one provider has.

    Without a config it runs on the process's own (a server, a file, or the environment) and follows its changes, until
    the program makes changes itself. Sync methods work with and without a running event loop; each has an async form.
    What fails raises the error tree, with `attempts` and `errors`.
    """

    def __init__(
        self,
        config: LLMConfig | str | Path | None = None,
        *,
        router: Router | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._followed: LLMConfig | None = None
        if config is None:
            config = self._followed = current_config()
        elif not isinstance(config, LLMConfig):
            config = LLMConfig.from_yaml(config)
        self.router = router or Router()
        self.cache = ResponseCache()
        self.costs = CostCalculator(self._price_of)
        self._transport = transport
        self._fleet = Fleet(config, transport=transport)

    @property
    def config(self) -> LLMConfig:
        return self._fleet.config

    # Its life

    async def initialize(self) -> dict[str, str]:
        """Make every provider ready; those that fail are returned with the reason and leave the rest working."""
        await self._fleet.initialize()
        return dict(self._fleet.failures)

    async def shutdown(self) -> None:
        await self._fleet.shutdown()

    async def __aenter__(self) -> Self:
        await self.initialize()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shutdown()

    # Calling

    def call_model(
        self,
        prompt: str | None = None,
        *,
        messages: Sequence[Mapping[str, Any]] | None = None,
        model_name: str | None = None,
        **params: Any,
    ) -> Result:
        """The answer as a dict: `response, model, provider, usage, cost_usd, latency_ms, attempts` and more.

        `params` are fields of `ChatRequest` (others go to the vendor untouched), or `deadline_s`, `max_retries` and
        `affinity` of this call.
        """
        return run_sync(self.acall_model(prompt, messages=messages, model_name=model_name, **params))

    async def acall_model(
        self,
        prompt: str | None = None,
        *,
        messages: Sequence[Mapping[str, Any]] | None = None,
        model_name: str | None = None,
        **params: Any,
    ) -> Result:
        started = time.perf_counter()
        resolution, plan, request = self._prepare(prompt, messages, model_name, params)
        key = None
        if resolution.cache_ttl_s > 0:
            key = cache_key(request, scope=f"{self.config.hash}:{resolution.requested}:{plan.side}")
            kept = self.cache.get(key)
            if kept is not None:
                return self._from_cache(kept, plan, started)
        outcome = await self.router.execute(plan, request)
        if key is not None:
            target = outcome.target
            kept = replace(outcome.response, provider=target.provider_name, model=target.model, raw=None)
            self.cache.put(key, kept, ttl_s=resolution.cache_ttl_s)
        return self._result(outcome, plan, started)

    def stream_model(
        self,
        prompt: str | None = None,
        *,
        messages: Sequence[Mapping[str, Any]] | None = None,
        model_name: str | None = None,
        **params: Any,
    ) -> ModelStream:
        """The answer piece by piece, for `for` or `async for`; `.result` of the stream is the dict when it ended."""

        async def chunks(stream: ModelStream) -> AsyncGenerator[ChatChunk, None]:
            started = time.perf_counter()
            _, plan, request = self._prepare(prompt, messages, model_name, params)
            said = Gathering()
            async with self.router.execute_stream(plan, request) as outcome:
                async for chunk in outcome:
                    said.add(chunk)
                    yield chunk
            if outcome.target is not None:
                whole = Outcome(said.response(outcome.target), outcome.attempts, outcome.target, outcome.errors)
                stream.result = self._result(whole, plan, started)

        return ModelStream(chunks)

    def batch(
        self,
        requests: Sequence[str | Mapping[str, Any]],
        concurrency: int = DEFAULT_CONCURRENCY,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> Batch:
        """Many calls at once, each a prompt or the arguments of `call_model`; results in the same order.

        A call that fails gives `{"response": None, "error": …}` and leaves the others running. Read the batch like a
        list, or await it.
        """
        return answers.start_batch(self._one_of_many, list(requests), concurrency=concurrency, progress=progress)

    async def abatch(
        self,
        requests: Sequence[str | Mapping[str, Any]],
        concurrency: int = DEFAULT_CONCURRENCY,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Result]:
        return await answers.run_batch(self._one_of_many, list(requests), concurrency=concurrency, progress=progress)

    async def _one_of_many(self, request: str | Mapping[str, Any]) -> Result:
        arguments: dict[str, Any] = {"prompt": request} if isinstance(request, str) else dict(request)
        if "model" in arguments:
            arguments.setdefault("model_name", arguments.pop("model"))
        try:
            return await self.acall_model(**arguments)
        except (LLMProviderError, UnknownNameError, ValueError) as error:
            attempts = [attempt.as_dict() for attempt in getattr(error, "attempts", ())]
            error_class = getattr(error, "error_class", "invalid_request")
            return {"response": None, "error": error, "error_class": error_class, "attempts": attempts}

    # Looking and changing

    def get_available_models(self) -> list[ModelInfo]:
        """Every model of the config, whatever its provider."""
        return [
            ModelInfo(
                name=model.name,
                provider=model.provider,
                context_window=model.context_window,
                max_output_tokens=model.max_output_tokens,
                capabilities=frozenset(model.capabilities),
            )
            for model in self.config.models.values()
        ]

    def set_default_model(self, name: str) -> None:
        """Call `name` (alias, agent or model) where no model is named. Raises `UnknownNameError`."""
        self.config.resolve(name)
        self._use(self.config.replace(default_model=name))

    def add_model(self, model: LLMModelConfig | Mapping[str, Any]) -> None:
        """Add a model, or replace the one of the same name. Raises `ConfigError`."""
        problems = Problems()
        added = read_model(model, "model", problems=problems)
        problems.raise_if_any()
        providers: dict[str, Any] = {added.provider: {}, **self.config.providers}
        models = [*(known for known in self.config.models.values() if known.key != added.key), added]
        default = added.key if added.is_default else self.config.default_model
        models = [replace(known, is_default=False) for known in models]
        self._use(self.config.replace(providers=providers, models=models, default_model=default))

    def update_provider_config(self, name: object, changes: Mapping[str, Any]) -> None:
        """Change settings of one provider, written as in the YAML file. Raises `UnknownNameError`, `ConfigError`."""
        provider = self.config.providers.get(name_of(name))
        if provider is None:
            raise UnknownNameError(name_of(name), candidates=self.config.providers)
        problems = Problems()
        changed = change_provider(provider, changes, problems=problems)
        problems.raise_if_any()
        self._use(self.config.replace(providers={**self.config.providers, provider.name: changed}))

    def get_provider_status(self, name: object) -> dict[str, Any]:
        """What is known of a provider from the traffic so far, without a call; `check_provider` makes one."""
        provider = self.config.providers.get(name_of(name))
        if provider is None:
            raise UnknownNameError(name_of(name), candidates=self.config.providers)
        failing = self.router.health.snapshot()
        circuits = [state for state in failing if self._concerns(state.scope, state.name, provider.name)]
        failure = self._fleet.failures.get(provider.name)
        is_cooling = self.router.health.state(Circuit("provider", provider.name)) != "closed"
        return {
            "provider": provider.name,
            "kind": provider.kind,
            "status": "failed" if failure else "cooling" if is_cooling else "degraded" if circuits else "ok",
            "reason": failure or (circuits[0].reason if circuits else ""),
            "has_api_key": bool(with_environment_key(provider, environ=os.environ).api_key),
            "base_url": provider.base_url,
            "models": [model.name for model in self.config.models.values() if model.provider == provider.name],
            "circuits": circuits,
        }

    def _concerns(self, scope: str, circuit: str, provider: str) -> bool:
        if scope == "key":
            return circuit in {key.id for key in self.config.providers[provider].keys}
        return circuit == provider or circuit.startswith(f"{provider}/")

    async def acheck_provider(self, name: object) -> dict[str, Any]:
        """One free live call: is it reachable, is the key good? Gives `is_healthy, step, message, latency_ms`."""
        found = name_of(name)
        if found not in self.config.providers:
            raise UnknownNameError(found, candidates=self.config.providers)
        report = await self._fleet.provider(found).health_check()
        return {
            "is_healthy": report.is_healthy,
            "step": report.step,
            "message": report.message,
            "latency_ms": report.latency_ms,
        }

    def check_provider(self, name: object) -> dict[str, Any]:
        return run_sync(self.acheck_provider(name))

    # Within

    def _follow(self) -> None:
        """Take up a change of the process's config."""
        if self._followed is not None and (latest := current_config()) is not self._followed:
            self._followed = latest
            self._fleet = Fleet(latest, transport=self._transport)

    def _use(self, config: LLMConfig) -> None:
        self._followed = None
        self._fleet = Fleet(config, transport=self._transport)

    def _prepare(
        self,
        prompt: str | None,
        messages: Sequence[Mapping[str, Any]] | None,
        model_name: str | None,
        params: Mapping[str, Any],
    ) -> tuple[Resolution, Plan, ChatRequest]:
        if (prompt is None) == (messages is None):
            raise ValueError("Give either a prompt or messages.")
        self._follow()
        name = model_name or self.config.default_model
        if not name:
            raise UnknownNameError("", reason=self._no_default())
        resolution = self.config.resolve(str(name))
        self._require_answers(resolution)
        of_the_call = {key: params[key] for key in _OF_THE_CALL if key in params}
        body = {key: value for key, value in params.items() if key not in of_the_call and key != "headers"}
        said = [{"role": "user", "content": prompt}] if messages is None else messages
        request = ChatRequest.from_openai({"model": resolution.requested, "messages": said, **body})
        request.headers = params.get("headers") or {}
        return resolution, self._fleet.plan(resolution, **of_the_call), request

    def _require_answers(self, resolution: Resolution) -> None:
        """Raise `UnknownNameError` where the alias has come to its sunset and was to refuse from then on."""
        alias = self.config.aliases.get(resolution.alias or "")
        if alias is not None and alias.has_ended(datetime.now(UTC)):
            instead = f"Use '{alias.replacement}' instead." if alias.replacement else alias.deprecated or ""
            raise UnknownNameError(alias.name, reason=f"The alias '{alias.name}' has ended. {instead}".rstrip())

    def _no_default(self) -> str:
        if not self.config.providers:
            return "No provider is configured. Set OPENAI_API_KEY (or another vendor's key), or write llm_config.yaml."
        return "No default model is set; name one with model_name."

    def _result(self, outcome: Outcome[ChatResponse], plan: Plan, started: float) -> Result:
        response, target = outcome.response, outcome.target
        return answers.result_of(
            response,
            requested=plan.requested,
            target=target.name,
            provider=target.provider_name,
            cost_usd=answers.cost_of(response.usage, target, response.cost_usd),
            latency_ms=(time.perf_counter() - started) * 1000,
            attempts=outcome.attempts,
            side=plan.side,
        )

    def _from_cache(self, kept: ChatResponse, plan: Plan, started: float) -> Result:
        return answers.result_of(
            replace(kept, usage=Usage()),
            requested=plan.requested,
            target=f"{kept.provider}/{kept.model}",
            provider=kept.provider,
            cost_usd=Decimal(0),
            latency_ms=(time.perf_counter() - started) * 1000,
            attempts=(),
            is_cached=True,
            side=plan.side,
        )

    def _price_of(self, name: str) -> PriceConfig | None:
        return configured_price(self.config, name)
