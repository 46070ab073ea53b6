"""Charts as SVG, drawn here: no script, readable alone, and always beside a table that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 720, 230
COLOURS = ("#0f5c9c", "#d63939", "#2fb344", "#b7791f", "#6b4fbb")
GREY, LINE = "#5a6570", "#dce1e7"
FOOT = 26
HEAD = 22


@dataclass(frozen=True, slots=True)
class Point:
    """One place of a chart: its short label, its values, and each of them as a person reads it."""

    label: str
    values: tuple[int, ...]
    shown: tuple[str, ...]
    full: str = ""
    """The label where there is room for it."""


def columns(title: str, about: str, points: Sequence[Point], names: Sequence[str] = ()) -> Markup:
    """Standing columns; several values a point stand side by side, `names` are then explained above."""
    most = max((value for point in points for value in point.values), default=0)
    if most <= 0:
        return Markup("")
    top = HEAD if len(names) > 1 else 14
    floor = HEIGHT - FOOT
    each = WIDTH / len(points)
    series = max(len(point.values) for point in points)
    wide = max(1.0, min(46.0, each * 0.72 / series))
    body = [_line(0, floor, WIDTH, floor), _line(0, top, WIDTH, top)]
    highest = next(
        shown
        for point in points
        for value, shown in zip(point.values, point.shown, strict=True)
        if value == most
    )
    if len(names) > 1:
        body.append(_legend(names))
        body.append(_text(WIDTH, top - 6, highest, "end"))
    else:
        body.append(_text(0, top - 4, highest))
    step = max(1, -(-len(points) * 58 // WIDTH))
    for place, point in enumerate(points):
        left = place * each + (each - wide * len(point.values)) / 2
        for number, (value, shown) in enumerate(zip(point.values, point.shown, strict=True)):
            high = max(0.0, (floor - top) * value / most)
            told = ": ".join(
                word
                for word in (point.full or point.label, names[number] if len(names) > 1 else "", shown)
                if word
            )
            body.append(_bar(left + number * wide, floor - high, wide * 0.92, high, number, told))
        if place % step == 0:
            body.append(_text(place * each + each / 2, HEIGHT - 9, point.label, "middle"))
    return _svg(title, about, HEIGHT, body)


def rows(title: str, about: str, points: Sequence[Point]) -> Markup:
    """Lying bars, one a row: for names."""
    most = max((point.values[0] for point in points), default=0)
    if most <= 0:
        return Markup("")
    each, left, right = 26, 190, 130
    body: list[Markup] = []
    for place, point in enumerate(points):
        y = place * each + 6
        label = point.label if len(point.label) <= 28 else point.label[:27] + "…"
        long = max(0.0, (WIDTH - left - right) * point.values[0] / most)
        body.append(_text(left - 8, y + 13, label, "end"))
        body.append(_bar(left, y, long, each - 8, 0, f"{point.full or point.label}: {point.shown[0]}"))
        body.append(_text(left + long + 6, y + 13, point.shown[0]))
    return _svg(title, about, len(points) * each + 8, body)


def _svg(title: str, about: str, height: int, body: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {} {}" role="img" '
        'aria-labelledby="chart-title chart-about" font-family="sans-serif">'
        '<title id="chart-title">{}</title><desc id="chart-about">{}</desc>{}</svg>'
    ).format(WIDTH, height, title, about, Markup("").join(body))


def _line(x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" stroke="{}"></line>').format(
        x1, y1 + 0.5, x2, y2 + 0.5, LINE
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" font-size="11" fill="{}" text-anchor="{}">{}</text>').format(
        x, y, GREY, anchor, escape(text)
    )


def _bar(x: float, y: float, wide: float, high: float, colour: int, told: str) -> Markup:
    return Markup(
        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2" fill="{}"><title>{}</title></rect>'
    ).format(x, y, wide, high, COLOURS[colour % len(COLOURS)], escape(told))


def _legend(names: Sequence[str]) -> Markup:
    parts: list[Markup] = []
    x = 0.0
    for number, name in enumerate(names):
        parts.append(
            Markup('<rect x="{:.1f}" y="3" width="10" height="10" rx="2" fill="{}"></rect>').format(
                x, COLOURS[number % len(COLOURS)]
            )
        )
        parts.append(_text(x + 14, 12, name))
        x += 26 + 6.6 * len(name)
    return Markup("").join(parts)
