"""`python -m providers`: look at the provider folders, check a provider, make a call, refresh prices and docs.

    python -m providers list
    python -m providers check openai
    python -m providers call openai/gpt-4.1-mini "Say hello" --stream
    python -m providers prices --slug openai
    python -m providers docs --check

Keys and addresses come from the environment, llm_config.yaml or an llmadmin server. The answer goes to standard output,
everything else to standard error. Exit status: 0 done, 1 failed, 2 misused or misconfigured, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from providers.config import LLMConfig, UnknownNameError
from providers.errors import LLMProviderError
from providers.fields import ConfigError
from providers.llm_config import current_config
from providers.manager import LLMProviderManager
from providers.pricelist import Difference, Gaps, differences, gaps, take
from providers.registry import UnknownProviderError, get_registry

FAILED = 1
MISUSED = 2
INTERRUPTED = 130
PIPE_CLOSED = 141
"""What a shell reports of a program that SIGINT or SIGPIPE ended."""


def list_providers(_: argparse.Namespace) -> int:
    """Name every provider folder, and whether the current config has it."""
    registry = get_registry()
    configured = {provider.kind for provider in current_config().providers.values()}
    for slug in registry.slugs():
        metadata = registry.metadata(slug)
        mark = "configured" if slug in configured else "-"
        print(f"{slug:<13} {metadata.label:<25} {mark:<11} {metadata.base_url or 'needs a base URL'}")
    for slug, reason in registry.broken.items():
        print(f"{slug}: {reason}", file=sys.stderr)
    return FAILED if registry.broken else 0


def check_provider(arguments: argparse.Namespace) -> int:
    """Make one free call with the configured key and say what is wrong, if anything."""
    config = current_config()
    if arguments.slug not in config.providers:
        get_registry().metadata(arguments.slug)
        config = LLMConfig(providers={arguments.slug: {}})
    report = LLMProviderManager(config).check_provider(arguments.slug)
    if report["is_healthy"]:
        print(f"{arguments.slug}: ok ({report['latency_ms']:.0f} ms)")
        return 0
    print(f"{arguments.slug}: {report['step']}: {report['message']}", file=sys.stderr)
    return FAILED


def call_model(arguments: argparse.Namespace) -> int:
    """Ask a model and print its answer; tokens, cost and latency go to standard error."""
    prompt = sys.stdin.read() if arguments.prompt == "-" else arguments.prompt
    if not prompt.strip():
        print("The prompt is empty: say what to ask.", file=sys.stderr)
        return MISUSED
    manager = LLMProviderManager()
    try:
        ask = stream_answer if arguments.stream else print_answer
        result = ask(manager, prompt, arguments.model)
    except UnknownNameError as problem:
        print(f"{problem} {how_to_set_up(arguments.model)}".rstrip(), file=sys.stderr)
        return MISUSED
    usage = result.get("usage", {})
    cost = result.get("cost_usd")
    attempts = len(result.get("attempts", ()))
    print(
        f"{result.get('model')}: {usage.get('input_tokens')} tokens in, {usage.get('output_tokens')} out, "
        f"{'price unknown' if cost is None else f'{cost} USD'}, {result.get('latency_ms', 0):.0f} ms, "
        f"{attempts} attempt{'' if attempts == 1 else 's'}",
        file=sys.stderr,
    )
    return 0


def print_answer(manager: LLMProviderManager, prompt: str, model: str) -> dict[str, Any]:
    result = manager.call_model(prompt, model_name=model)
    print(result["response"])
    return result


def stream_answer(manager: LLMProviderManager, prompt: str, model: str) -> dict[str, Any]:
    """Print an answer as it comes; what came of one that breaks off ends its line, so that the reason starts a new one."""
    stream = manager.stream_model(prompt, model_name=model)
    has_begun = False
    try:
        for chunk in stream:
            print(chunk.text, end="", flush=True)
            has_begun = has_begun or bool(chunk.text)
    finally:
        if has_begun:
            print(flush=True)
    return stream.result or {}


def how_to_set_up(model: str) -> str:
    """What a newcomer is missing who asks for a model of a provider that the config doesn't have."""
    registry = get_registry()
    slug, has_slash, _ = model.partition("/")
    if not has_slash or slug not in registry.slugs() or slug in current_config().providers:
        if current_config().providers:
            return "`python -m providers list` shows which providers are configured."
        return "No provider is configured: set a key such as OPENAI_API_KEY, or write llm_config.yaml."
    metadata = registry.metadata(slug)
    needed = [item.env[0] for item in metadata.credentials if item.is_required and item.env]
    if not metadata.base_url:
        needed += metadata.variables().get("base_url", ())[:1]
    variables = " and ".join(needed or metadata.variables().get("base_url", ())[:1])
    return f"{metadata.label} is not configured: set {variables}, or name it in llm_config.yaml."


def refresh_docs(arguments: argparse.Namespace) -> int:
    """Write the generated tables of the provider folders' READMEs again, or with `--check` only say which are stale."""
    from providers.readme import refresh

    stale = refresh(is_check=arguments.check)
    for path in stale:
        print(
            f"{path}: {'out of date, run python -m providers docs' if arguments.check else 'written'}", file=sys.stderr
        )
    return FAILED if stale and arguments.check else 0


def compare_prices(arguments: argparse.Namespace) -> int:
    """Show where the installed genai-prices differs from the folders' models.toml, and with `--apply` take it over.

    Exits 1 where something differs and was not taken.
    """
    try:
        from genai_prices.data import providers as package
    except ImportError:
        print("genai-prices is not installed: pip install genai-prices", file=sys.stderr)
        return MISUSED
    registry = get_registry()
    folders = [registry.folder(slug) for slug in ([arguments.slug] if arguments.slug else registry.slugs())]
    differs = False
    for folder in folders:
        found = differences(folder, package, today=datetime.now(UTC).date())
        differs = differs or bool(found)
        show_differences(found)
        if arguments.models:
            show_gaps(gaps(folder, package, today=datetime.now(UTC).date()))
        if found and arguments.apply:
            take(folder.path / "models.toml", found)
            print(f"{folder.path / 'models.toml'}: written; now run python -m providers docs", file=sys.stderr)
    if not differs:
        print("Every price agrees with the installed genai-prices.", file=sys.stderr)
    return FAILED if differs and not arguments.apply else 0


def show_differences(found: Iterable[Difference]) -> None:
    for difference in found:
        print(f"{difference.slug}/{difference.model} from {difference.effective_from.isoformat()}")
        for name, ours, theirs in difference.rows():
            print(f"  {name:<44}{_figure(ours):>12} -> {_figure(theirs)}")


def show_gaps(found: Gaps) -> None:
    for names, what in (
        (found.lacking, "only in genai-prices"),
        (found.alone, "only in models.toml"),
        (found.retired, "given up by the vendor, says genai-prices"),
    ):
        for name in names:
            print(f"{found.slug}/{name}: {what}")


def _figure(rate: Decimal | None) -> str:
    return "-" if rate is None else format(rate, "f")


def read_arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m providers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="name every provider folder")
    listing.set_defaults(run=list_providers)
    check = commands.add_parser("check", help="make one free call to a provider")
    check.add_argument("slug", metavar="SLUG", help="a provider of the config, or a folder's name, such as openai")
    check.set_defaults(run=check_provider)
    call = commands.add_parser("call", help="ask a model")
    call.add_argument("model", metavar="MODEL", help="alias, agent, provider/model or model")
    call.add_argument("prompt", metavar="PROMPT", help="what to ask; - reads it from standard input")
    call.add_argument("--stream", action="store_true", help="print the answer as it comes")
    call.set_defaults(run=call_model)
    prices = commands.add_parser("prices", help="show where genai-prices differs from models.toml")
    prices.add_argument("--slug", help="one provider folder, else all")
    prices.add_argument(
        "--apply", action="store_true", help="write the differing prices, with the day from which they hold"
    )
    prices.add_argument(
        "--models", action="store_true", help="also name the models that only one of both knows, or that are given up"
    )
    prices.set_defaults(run=compare_prices)
    docs = commands.add_parser("docs", help="write the generated tables of the READMEs")
    docs.add_argument("--check", action="store_true", help="change nothing; fail where a table is out of date")
    docs.set_defaults(run=refresh_docs)
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    arguments = read_arguments(words)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except (ConfigError, UnknownNameError, UnknownProviderError) as problem:
        print(problem, file=sys.stderr)
        return MISUSED
    except LLMProviderError as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads on (`| head`). What is left in the buffer must not be tried again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return code


if __name__ == "__main__":
    sys.exit(main())
