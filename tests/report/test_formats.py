"""Whatever a design says, a page stays a page: no script, no link, nothing from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from metasearch.report.document import Commands, Heading, Paragraph, Said, Table
from metasearch.report.html import html
from metasearch.report.markdown import markdown
from metasearch.report.pages import pages
from metasearch.report.reckon import reckon
from metasearch.types import Split
from tests.report.rows import Written, archive

EVIL = (
    "</style></title><script>alert(1)</script>",
    '"><img src=http://evil.example/x onerror=alert(1)>',
    "[click](http://evil.example) ![x](https://evil.example/x.png)",
    "| a | b |\n| --- | --- |\n# Heading\n```\ncode",
    "**bold** _it_ ~~no~~ `tick` @someone #12 $x$ &lt;b&gt;",
    "- item\r\n1. one\u202e\x1b[31mred\x00\u200b",
    "https://evil.example/path www.evil.example",
    "\udcff lone \U000e0041tag",
)
VOID = {"meta", "line", "circle", "polyline", "br"}
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "ul", "li"),
    *("div", "table", "thead", "tbody", "tr", "th", "td", "span", "pre", "code"),
    *("figure", "figcaption", "svg", "line", "polyline", "circle", "text"),
}


class Page(HTMLParser):
    """Parses strictly: every tag is known, closed, and has no attribute that acts or fetches."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        for name, value in attrs:
            assert not name.startswith("on")
            assert name not in ("src", "href", "style", "srcset", "data")
            assert "http:" not in (value or "")
            assert "https:" not in (value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def hostile(tmp_path: Path) -> tuple[str, str]:
    """Return both formats of a report in which every stranger's text is hostile."""
    with archive(tmp_path) as made:
        search = Written(made)
        base = search.entry(EVIL[0], 20, proposer="seed", idea=EVIL[1])
        parents = (base,)
        for i, text in enumerate(EVIL):
            number = search.entry(text, 20 + i, parents=parents, idea=EVIL[-1 - i])
            parents = (number, base)
        for text in EVIL:
            search.entry(text, status="invalid", reason=text)
            made.add_event("s", "alarm-blank", text)
            made.add_event("s", "outage", text)
        made.add_event("s", "sandbox", EVIL[0])
        for one in (base, number):
            search.evaluate(one, 12, split=Split.TEST)
        made.add_event("s", "test-opened", "for 0 and 8")
        made.set_status("s", "stopped", EVIL[1])
        found = reckon(made, "s")
        blocks = pages(found)
        return html(blocks, "Report of search s"), markdown(blocks)


def test_a_page_holds_what_was_said_as_words_alone(tmp_path: Path) -> None:
    page, _ = hostile(tmp_path)
    words = "".join(Page(page).text)
    assert "alert(1)" in words
    assert "<script>" in words
    assert "http://evil.example" in words
    assert "<script" not in page
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style
    for hidden in ("\x1b", "\x00", "\u202e", "\u200b", "\udcff", "\U000e0041"):
        assert hidden not in page
    page.encode("utf-8")


def test_a_page_without_strangers_names_no_address(tmp_path: Path) -> None:
    with archive(tmp_path) as made:
        search = Written(made)
        search.entry("direct", 20, proposer="seed")
        search.entry("new", 30)
        page = html(pages(reckon(made, "s")), "Report of search s")
    assert not re.search(r"https?:", page)
    assert "<svg" in page
    Page(page)


def test_markdown_keeps_its_shape_whatever_is_said(tmp_path: Path) -> None:
    _, text = hostile(tmp_path)
    lines = text.splitlines()
    headings = [line for line in lines if re.match(r"\s*#", line)]
    assert len(headings) == 13, headings
    assert not re.search(r"(?<!\\)<(?=[a-z/!])", text, re.IGNORECASE)
    assert not re.search(r"(?<!\\)\]\(", text)
    assert not re.search(r"https?://", text)
    assert sum(line == "```" for line in lines) == 2
    tables: dict[int, set[int]] = {}
    for number, line in enumerate(lines):
        if line.startswith("|"):
            begin = next(i for i in range(number, -1, -1) if not lines[i].startswith("|"))
            tables.setdefault(begin, set()).add(len(re.findall(r"(?<!\\)\|", line)))
    assert len(tables) >= 8
    assert all(len(widths) == 1 for widths in tables.values()), "a cell broke out of its row"
    assert not {"\x1b", "\x00", "\u202e"} & set(text)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("chain_of_thought", "chain_of_thought"),
        ("_init_ a_b", "\\_init\\_ a_b"),
        ("1. one", "1\\. one"),
        ("- one", "\\- one"),
        ("2 + 2 = 4", "2 + 2 = 4"),
        ("a|b*c`d", "a\\|b\\*c\\`d"),
        ("see https://x.y", "see https\\://x.y"),
        ("  many\n lines ", "many lines"),
    ],
)
def test_markdown_escapes_what_acts_and_nothing_else(said: str, written: str) -> None:
    assert markdown([Paragraph((Said(said),))]) == f"{written}\n"


def test_what_is_said_is_cut() -> None:
    assert len(Said("x" * 5000)) == 300
    assert Said("x" * 5000).endswith("…")


def test_blocks_look_alike_in_both_formats() -> None:
    blocks = [
        Heading("Title", 1),
        Table(("name", "count"), [(Said("a<b"), "3")], left=("name",)),
        Commands(["metasearch top 'a b'"]),
    ]
    assert markdown(blocks) == (
        "# Title\n\n| name | count |\n| --- | ---: |\n| a\\<b | 3 |\n\n"
        "```\nmetasearch top 'a b'\n```\n"
    )
    page = "".join(Page(html(blocks, "a & b")).text)
    assert "a<b" in page
    assert "metasearch top 'a b'" in page
