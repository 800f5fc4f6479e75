"""What each class of error means and what to do about it, in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """`means` is what happened, `act` the next step; `link` names the page where it is done."""

    title: str
    means: str
    act: str
    link: str = ""
    link_text: str = ""


UNKNOWN = Advice(
    "Other",
    "The provider failed in a way that none of the classes describes.",
    "Open an example and read the vendor's own words.",
)

ADVICE: dict[str, Advice] = {
    "connection": Advice(
        "Connection",
        "The provider's host could not be reached: wrong address, refused, DNS or TLS.",
        "Test the connection; it says which step fails. Inside a container, localhost is the container itself.",
        "providers:list",
        "Test a provider",
    ),
    "authentication": Advice(
        "Authentication",
        "The provider refused our API key: wrong, expired, revoked, or without the right to this model.",
        "Enter a fresh key under the provider, then delete the old one. Calls go on with other keys meanwhile.",
        "providers:list",
        "Open its keys",
    ),
    "rate_limit": Advice(
        "Rate limit",
        "We sent more calls or tokens a minute than the provider grants this key.",
        "Add a second key or a fallback target on another provider, or ask the vendor for a higher limit.",
        "aliases:list",
        "Add a fallback",
    ),
    "resource_exhausted": Advice(
        "Quota used up",
        "The account has no credit left, or its monthly quota is spent. Waiting does not mend it.",
        "Top up the account at the vendor, or put another provider first until then.",
        "aliases:list",
        "Put another target first",
    ),
    "invalid_request": Advice(
        "Invalid request",
        "The provider refused what a caller sent: a parameter, the format, or a prompt that is too long.",
        "The vendor's words name the field. A prompt too long for one model goes to a target with a larger window.",
        "models:list",
        "See parameter rules",
    ),
    "service": Advice(
        "Service",
        "The provider failed on its side (5xx) or is overloaded.",
        "Nothing to mend here. A fallback target on another provider absorbs it; check the vendor's status page.",
        "aliases:list",
        "Add a fallback",
    ),
    "timeout": Advice(
        "Timeout",
        "No answer came within the provider's time limit.",
        "Raise the time limit for slow models, ask for fewer output tokens, or stream the answer.",
        "providers:list",
        "Change the time limit",
    ),
    "model": Advice(
        "Model",
        "The provider does not have this model, or no longer.",
        "Point the alias at a model that exists; the provider's own list shows which those are.",
        "models:list",
        "Choose another model",
    ),
}


def advice_for(error_class: str) -> Advice:
    return ADVICE.get(error_class, UNKNOWN)


def title_of(error_class: str) -> str:
    """The class in words: `rate_limit` → Rate limit."""
    known = ADVICE.get(error_class)
    return known.title if known else error_class.replace("_", " ").capitalize() or UNKNOWN.title
