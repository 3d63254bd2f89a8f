"""How one model is called: address, key by name, and the limits of a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from metasearch.errors import ConfigError
from metasearch.types import Json

__all__ = ["OPENAI_URL", "ModelSettings"]

OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """One model behind an OpenAI-compatible endpoint.

    Attributes:
        name: what `ModelRequest.model` says, and what the record keeps.
        remote: the endpoint's own name of the model; None is `name`.
        base_url: address up to and including `/v1`.
        key_env: environment variable with the key; None where the endpoint wants none.
        max_tokens: new tokens of a call; a larger wish is cut to it.
        temperature: sent where a request has none; None sends none, the endpoint decides.
        context_tokens: what prompt and new tokens may take together, for whoever builds prompts;
            None is not known.
        concurrency: calls in flight at most, at least 1; it adapts below that.
        requests_per_minute: None is no limit.
        timeout: seconds for one attempt, from sending to the last byte.
        patience: seconds of failing attempts after which a call gives up.
        max_field_chars: in a schema, texts without a choice get this `maxLength`, so that a small
            model's thinking ends before `max_tokens` does; None adds nothing.
        free: True declares that tokens cost nothing (a model on this machine).
        extra_body: further members of the request's JSON, `{"reasoning_effort": "low"}` say.
    """

    name: str
    remote: str | None = None
    base_url: str = OPENAI_URL
    key_env: str | None = "OPENAI_API_KEY"
    max_tokens: int = 4096
    temperature: float | None = None
    context_tokens: int | None = None
    concurrency: int = 64
    requests_per_minute: float | None = None
    timeout: float = 120.0
    patience: float = 180.0
    max_field_chars: int | None = None
    free: bool = False
    extra_body: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(
                f"{self.base_url!r} is no endpoint's address; write http://HOST:PORT/v1 or https://"
            )
        for name in ("max_tokens", "concurrency", "timeout", "patience"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} of model {self.name!r} must be more than 0")

    @property
    def on_loopback(self) -> bool:
        """True where the endpoint is on this machine."""
        return urlsplit(self.base_url).hostname in ("127.0.0.1", "localhost", "::1")

    def key(self, environment: Mapping[str, str]) -> str:
        """Return the key, or a stand-in where none is needed.

        Raises:
            ConfigError: the variable is not set, or holds what no header can carry.
        """
        if self.key_env is None:
            return "none"
        key = environment.get(self.key_env, "").strip()
        if not key and self.on_loopback:
            return "none"
        if not key:
            raise ConfigError(
                f"{self.key_env} is not set; it must hold the key for {self.base_url}"
            )
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ConfigError(f"{self.key_env} holds blanks or characters that no key has")
        return key
