"""What a search needs on this machine and can be had without asking: the model, the image."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from metasearch.cli.output import words
from metasearch.errors import SandboxUnavailable

if TYPE_CHECKING:
    from metasearch.search.config import SearchConfig

__all__ = ["prepare"]


def prepare(config: SearchConfig) -> None:
    """Fetch the model on this machine and build the sandbox image, where they are wanted.

    Raises:
        GatewayUnavailable: the model cannot be fetched.
    """
    _fetch_model(config)
    _build_image(config)


def _fetch_model(config: SearchConfig) -> None:
    """See that the model on this machine is there, with words about a long download."""
    from metasearch.gateway.base import RecordMode
    from metasearch.search.config import LOCAL

    if config.record is RecordMode.REPLAY_ONLY:
        return
    if LOCAL in (config.model.name, config.designer().name) and find_spec("xllamacpp"):
        from metasearch.gateway import local

        if local.available():  # says what is missing: the file
            local.fetch(progress=words)
            words(local.LICENCE)


def _build_image(config: SearchConfig) -> None:
    """See that the image is there and current where an engine answers; it takes seconds, once.

    An engine whose image cannot be built is no reason to stop: choosing a sandbox says what is
    wrong with it, or takes another one.
    """
    if config.sandbox.name not in ("auto", "docker"):
        return
    from metasearch.sandbox import image
    from metasearch.sandbox.engine import connect

    try:
        client = connect()
    except SandboxUnavailable:
        return
    try:
        if image.missing(client):
            words("building the sandbox image, once")
            image.build()
    except SandboxUnavailable as error:
        words(f"the sandbox image cannot be built: {error}")
    finally:
        client.close()
