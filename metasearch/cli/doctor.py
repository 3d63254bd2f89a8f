"""`metasearch doctor`: what is here, what is missing, and the command that mends it."""

from __future__ import annotations

import click

from metasearch.cli.base import Verb
from metasearch.cli.options import archive_option, as_json
from metasearch.cli.output import console, emit, words

__all__ = ["doctor"]

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command(
    cls=Verb,
    examples="""
    metasearch doctor
    metasearch doctor --offline       # nothing that needs a network, a key or an engine
    metasearch doctor --sandbox wasm  # attack this sandbox instead of the first that is ready
    metasearch doctor --clean         # remove what a killed search left behind
    metasearch doctor --json | jq '.checks[] | select(.level == "fail")'
    """,
)
@click.option("--offline", is_flag=True, help="Leave key, endpoint and engine out.")
@click.option("--clean", is_flag=True, help="Remove containers that a killed search left behind.")
@click.option("--base-url", metavar="URL", envvar="METASEARCH_BASE_URL", help="Endpoint to check.")
@click.option(
    "--key-env", metavar="VARIABLE", envvar="METASEARCH_KEY_ENV", default="OPENAI_API_KEY"
)
@click.option(
    "--sandbox",
    metavar="NAME",
    envvar="METASEARCH_SANDBOX",
    default="auto",
    help="Sandbox to attack: auto, docker or wasm.",
)
@archive_option
@as_json
def doctor(
    offline: bool,
    clean: bool,
    base_url: str | None,
    key_env: str,
    sandbox: str,
    place: str | None,
    as_json: bool,
) -> int:
    """Check everything a search needs, and say what to do.

    Exit 1 when something needed is missing; exit 4, and nothing else is looked at, when one of five
    attacks of a design on the sandbox succeeds.

    Each line is ok, warn (it runs, but less well) or fail (it does not), with what to do.
    """
    from metasearch.cli.checks import attack_check, host_checks
    from metasearch.cli.doors import door_checks

    if clean:
        _clean()
    attacks = [] if offline else [attack_check(sandbox)]
    found = host_checks(place)
    found += door_checks(offline=offline, base_url=base_url, key_env=key_env)
    found += attacks
    if as_json:
        emit("doctor", {"checks": [check._asdict() for check in found]})
    else:
        out = console()
        for check in found:
            out.print(f"{check.level:<5}", style=STYLES[check.level], end="", markup=False)
            out.print(f"{check.name}: {check.text}", markup=False, soft_wrap=True)
            if check.fix:
                out.print(f"     -> {check.fix}", markup=False, soft_wrap=True)
    return int(any(check.level == "fail" for check in found))


def _clean() -> None:
    import asyncio

    from metasearch.errors import SandboxUnavailable
    from metasearch.sandbox.docker import DockerSandbox

    try:
        removed = asyncio.run(DockerSandbox.sweep())
    except SandboxUnavailable as error:
        words(f"nothing to clean: {error}")
        return
    words(f"removed {removed} containers of dead processes")
