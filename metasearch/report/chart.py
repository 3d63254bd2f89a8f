"""A scatter of scores against costs, as a picture inside of the page."""

from __future__ import annotations

import html as escaping

from metasearch.report.document import Chart, Point
from metasearch.report.words import score

__all__ = ["chart"]

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 48, 16, 12, 40
LABELLED = 12  # more labels than these would hide each other


def chart(block: Chart) -> str:
    """Return the picture; "" without points."""
    if not block.points:
        return ""
    widest = max(point.x for point in block.points) or 1.0
    front = sorted((point for point in block.points if point.is_front), key=lambda point: point.x)
    line = " ".join(f"{_x(point, widest):.1f},{_y(point.y):.1f}" for point in front)
    labelled = set(block.points if len(block.points) <= LABELLED else front[:LABELLED])
    return "\n".join(
        [
            f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{escaping.escape(block.title)}">',
            *_axes(block, widest),
            f'<polyline class="front" points="{line}"/>',
            *(_mark(point, widest, point in labelled) for point in block.points),
            f"</svg><figcaption>{escaping.escape(block.title)}</figcaption></figure>",
        ]
    )


def _axes(block: Chart, widest: float) -> list[str]:
    floor, end = HEIGHT - BOTTOM, WIDTH - RIGHT
    lines = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _y(share)
        lines.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{end}" y2="{y:.1f}"/>')
        lines.append(
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{score(share)}</text>'
        )
    unit = escaping.escape(block.x)
    return [
        *lines,
        f'<text x="{LEFT}" y="{floor + 16}">0</text>',
        f'<text x="{end}" y="{floor + 16}" text-anchor="end">{_figure(widest)}</text>',
        f'<text x="{(LEFT + end) / 2}" y="{floor + 30}" text-anchor="middle">{unit}</text>',
    ]


def _mark(point: Point, widest: float, is_labelled: bool) -> str:
    x, y = _x(point, widest), _y(point.y)
    kind = "baseline" if point.is_baseline else "made"
    label = f'<text x="{x + 7:.1f}" y="{y + 4:.1f}">{escaping.escape(point.label)}</text>'
    if x > WIDTH - 90:
        label = (
            f'<text x="{x - 7:.1f}" y="{y + 4:.1f}" text-anchor="end">'
            f"{escaping.escape(point.label)}</text>"
        )
    circle = f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    return circle + (label if is_labelled else "")


def _figure(value: float) -> str:
    """Return an axis's end: 12,496 tokens, 0.00123 dollars."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _x(point: Point, widest: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * point.x / widest


def _y(share: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)
