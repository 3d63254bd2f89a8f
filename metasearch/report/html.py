"""A report as one file of HTML: no script, nothing fetched, light or dark as the reader likes."""

from __future__ import annotations

import html as escaping
from collections.abc import Iterable
from importlib.resources import files

from metasearch.report.chart import chart
from metasearch.report.document import (
    Block,
    Bullets,
    Chart,
    Commands,
    Heading,
    Paragraph,
    Said,
    Table,
    Text,
    parts,
)

__all__ = ["html"]

# Nothing may be fetched or run, also where a text should ever slip through unescaped.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html(blocks: Iterable[Block], title: str) -> str:
    """Return the report; every text is escaped, and strangers' words are marked as theirs."""
    style = files("metasearch.report").joinpath("report.css").read_text("utf-8")
    body = "\n".join(_block(block) for block in blocks)
    return (
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{_escaped(title)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{_inline(text)}</h{level}>"
        case Paragraph(text, strong):
            return (
                f'<p class="verdict">{_inline(text)}</p>' if strong else f"<p>{_inline(text)}</p>"
            )
        case Bullets(items):
            return "<ul>\n" + "\n".join(f"<li>{_inline(item)}</li>" for item in items) + "\n</ul>"
        case Table():
            return _table(block)
        case Commands(lines):
            return f"<pre><code>{_escaped(chr(10).join(lines))}</code></pre>"
        case Chart():
            return chart(block)


def _table(table: Table) -> str:
    kinds = [' class="words"' if name in table.left else "" for name in table.columns]
    head = "".join(
        f'<th scope="col"{kind}>{_escaped(name)}</th>'
        for kind, name in zip(kinds, table.columns, strict=True)
    )
    rows = "\n".join(
        "<tr>"
        + "".join(f"<td{kind}>{_inline(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for row in table.rows
    )
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


def _inline(text: Text) -> str:
    return "".join(
        f'<span class="said">{_escaped(part)}</span>' if isinstance(part, Said) else _escaped(part)
        for part in parts(text)
    )


def _escaped(text: str) -> str:
    return escaping.escape(text, quote=True)
