"""What an endpoint offers, asked without a model call: for error messages and `doctor`."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import HTTPException

__all__ = ["DEFAULT_URL", "Refused", "ask_models", "models"]

DEFAULT_URL = "https://api.openai.com/v1"
SECONDS = 5.0
SHOWN = 12
REPLY_BYTES = 4_000_000


class Refused(Exception):
    """The endpoint does not tell its models; the text says why."""


def ask_models(base_url: str, key: str) -> list[str]:
    """Return the names of an endpoint's models, sorted.

    Args:
        base_url: address up to and including `/v1`, http or https.
        key: sent as the bearer; "" sends none.

    Raises:
        Refused: it does not answer, refuses the key, or answers something else.
    """
    request = urllib.request.Request(
        f"{base_url.rstrip('/')}/models", headers={"Authorization": f"Bearer {key}"} if key else {}
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:
            content = json.loads(reply.read(REPLY_BYTES))
        return sorted(str(one["id"]) for one in content["data"])
    except urllib.error.HTTPError as error:
        with error:
            raise Refused(_status(error.code)) from None
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise Refused(f"it does not answer ({reason})") from None
    except (ValueError, KeyError, TypeError):
        raise Refused("it does not answer as an OpenAI-compatible endpoint does") from None


def models(base_url: str, key: str) -> list[str]:
    """Return some of an endpoint's model names, or none when it does not tell."""
    try:
        names = ask_models(base_url, key)
    except Refused:
        return []
    return names[:SHOWN] + ([f"and {len(names) - SHOWN} more"] if len(names) > SHOWN else [])


def _status(code: int) -> str:
    if code in (401, 403):
        return f"it refuses the key (HTTP {code})"
    if code == 404:
        return "it has no /models (HTTP 404); does the address end in /v1?"
    return f"it answers HTTP {code}"
