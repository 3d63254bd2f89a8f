"""The command line of an exported agent."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from metasearch.export.parts.agent import Exported
from metasearch.export.parts.client import AgentFailure

__all__ = ["main"]


def main(exported: Exported, card: str, idea: str, arguments: Sequence[str] | None = None) -> int:
    """Answer the question on the command line; the answer goes to stdout, words to stderr.

    Returns:
        0 when there is an answer, 1 when there is none, 2 for what the user can mend, 4 when the
        endpoint is down.
    """
    given = _parser(exported, idea).parse_args(arguments)
    if given.card:
        sys.stdout.write(card)
        return 0
    question = given.question
    if question is None and not sys.stdin.isatty():
        question = sys.stdin.read()
    if not question or not question.strip():
        sys.stderr.write("agent: no question; give it as the argument or on stdin\n")
        return 2
    try:
        answer = exported.answer(
            question,
            given.type,
            model=given.model,
            base_url=given.base_url,
            allow_code=given.allow_code,
        )
    except AgentFailure as failure:
        sys.stderr.write(f"agent: {failure}\n")
        return failure.exit_code
    except Exception as error:  # noqa: BLE001 - the design's own fault, told in one line
        sys.stderr.write(f"agent: no answer: {type(error).__name__}: {error}\n")
        return 1
    sys.stdout.write(answer + "\n")
    return 1 if answer in ("", "null") else 0


def _parser(exported: Exported, idea: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=idea,
        epilog="The key is read from OPENAI_API_KEY, the endpoint from OPENAI_BASE_URL.",
    )
    parser.add_argument("question", nargs="?", help="default: read from stdin")
    parser.add_argument("--model", help=f"default: {exported.settings.model}")
    parser.add_argument("--base-url", help="an OpenAI-compatible endpoint, http://HOST:PORT/v1")
    parser.add_argument("--type", help="of the answer: str, int, float, bool, or choices: yes,no")
    parser.add_argument(
        "--allow-code",
        action="store_true",
        help="run programs that the model writes on this machine; this is NOT a sandbox",
    )
    parser.add_argument("--card", action="store_true", help="print where this agent comes from")
    return parser
