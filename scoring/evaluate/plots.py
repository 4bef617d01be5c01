"""Plots as inline SVG: no script, no font, no address; each with a title, a description and marks that differ in more than colour. Pure."""

from collections.abc import Mapping, Sequence
from html import escape
from math import floor, log10
from typing import NamedTuple

Point = tuple[float, float]

WIDTH, HEIGHT = 640.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 70.0, 16.0, 14.0, 52.0
DASHES = ("", "7 4", "2 4", "11 3 2 3", "1 3")


class Axis(NamedTuple):
    """What lies along an edge. `log`: in powers of ten; `percent`: told as such."""

    name: str
    low: float
    high: float
    log: bool = False
    percent: bool = False

    def at(self, value: float) -> float:
        """0 at the low end, 1 at the high one; what lies outside is put at the end."""
        inside = min(max(value, self.low), self.high)
        if self.log:
            return (log10(inside) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (inside - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round numbers along the axis, at most eight or so."""
        if self.log:
            first = floor(log10(self.low))
            powers = [10.0 ** (first + one) for one in range(12)]
            found = [power * part for power in powers for part in (1.0, 3.0)]
            return [one for one in found if self.low <= one * 1.0001 and one <= self.high * 1.0001]
        raw = (self.high - self.low) / 6.0
        step = 10.0 ** floor(log10(raw))
        step *= next(part for part in (1.0, 2.0, 2.5, 5.0, 10.0) if part * step >= raw * 0.999)
        first = -floor(-self.low / step)
        return [one * step for one in range(first, floor(self.high / step + 1e-9) + 1)]

    def says(self, value: float) -> str:
        """A tick's text."""
        return f"{value * 100:.3g}%" if self.percent else f"{value + 0.0:.4g}"


class Line(NamedTuple):
    """One curve; `band`: (x, low, high) around it; `dots`: marks at its points."""

    name: str
    points: Sequence[Point]
    band: Sequence[tuple[float, float, float]] = ()
    dots: bool = False


class Bar(NamedTuple):
    """One bar from x to x + 1."""

    x: float
    height: float


class Estimate(NamedTuple):
    """One row of a forest plot; None where there is no figure."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    says: str


def curves(key: str, title: str, describes: str, x: Axis, y: Axis, lines: Sequence[Line], diagonal: bool = False) -> str:
    """Curves over one another with a legend."""
    drawn = [_frame(x, y)]
    if diagonal:
        low, high = max(x.low, y.low), min(x.high, y.high)
        drawn.append(f'<path class="ideal" d="{_path([(low, low), (high, high)], x, y)}"/>')
    for number, line in enumerate(lines):
        colour = f"c{number % 5}"
        if line.band:
            edge = [(at, low) for at, low, _ in line.band] + [(at, high) for at, _, high in reversed(line.band)]
            drawn.append(f'<path class="band {colour}" d="{_path(edge, x, y)}Z"/>')
        drawn.append(f'<path class="line {colour}" stroke-dasharray="{DASHES[number % 5]}" d="{_path(line.points, x, y)}"/>')
        if line.dots:
            drawn.extend(
                f'<circle class="dot {colour}" cx="{_x(one, x):.1f}" cy="{_y(other, y):.1f}" r="3"/>' for one, other in line.points
            )
    drawn.append(_legend([line.name for line in lines]))
    return _svg(key, title, describes, drawn, HEIGHT + 22.0 * len(lines))


def bars(key: str, title: str, describes: str, x: Axis, y: Axis, found: Sequence[Bar]) -> str:
    """A histogram."""
    drawn = [_frame(x, y)]
    for one in found:
        left, right, top, bottom = _x(one.x, x), _x(one.x + 1.0, x), _y(one.height, y), _y(0.0, y)
        drawn.append(
            f'<rect class="bar" x="{left + 0.5:.1f}" y="{top:.1f}" width="{max(right - left - 1.0, 1.0):.1f}" height="{bottom - top:.1f}"/>'
        )
    return _svg(key, title, describes, drawn, HEIGHT)


def forest(key: str, title: str, describes: str, x: Axis, rows: Mapping[str, Sequence[Estimate]], reference: float | None) -> str:
    """Figures with their intervals, a row each, under headings; a dashed line at the reference."""
    line, name_width, told_width = 22.0, 190.0, 170.0
    height = sum(line * (1 + len(found)) for found in rows.values()) + 60.0
    left, right = name_width, WIDTH - told_width

    def place(value: float) -> float:
        return left + x.at(value) * (right - left)

    drawn, top = [], 14.0
    for heading, found in rows.items():
        drawn.append(f'<text class="heading" x="0" y="{top:.0f}">{escape(heading)}</text>')
        top += line
        for one in found:
            drawn.append(f'<text x="10" y="{top:.0f}">{escape(one.name)}</text>')
            drawn.append(f'<text class="told" x="{WIDTH:.0f}" y="{top:.0f}" text-anchor="end">{escape(one.says)}</text>')
            if one.value is not None:
                if one.low is not None and one.high is not None:
                    drawn.append(f'<path class="line c0" d="M{place(one.low):.1f} {top - 4:.1f}H{place(one.high):.1f}"/>')
                drawn.append(f'<rect class="dot c0" x="{place(one.value) - 4:.1f}" y="{top - 8:.1f}" width="8" height="8"/>')
            top += line
    if reference is not None:
        drawn.append(f'<path class="ideal" d="M{place(reference):.1f} 4V{top - 10:.1f}"/>')
    drawn.append(f'<path class="axis" d="M{left:.1f} {top - 8:.1f}H{right:.1f}"/>')
    drawn.extend(f'<text x="{place(one):.1f}" y="{top + 8:.1f}" text-anchor="middle">{escape(x.says(one))}</text>' for one in x.ticks())
    drawn.append(f'<text x="{(left + right) / 2:.1f}" y="{top + 28:.1f}" text-anchor="middle">{escape(x.name)}</text>')
    return _svg(key, title, describes, drawn, height)


def _svg(key: str, title: str, describes: str, drawn: Sequence[str], height: float) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{escape(title)}</title>'
        f'<desc id="{key}-d">{escape(describes)}</desc>{"".join(drawn)}</svg>'
    )


def _x(value: float, axis: Axis) -> float:
    return LEFT + axis.at(value) * (WIDTH - LEFT - RIGHT)


def _y(value: float, axis: Axis) -> float:
    return HEIGHT - BOTTOM - axis.at(value) * (HEIGHT - TOP - BOTTOM)


def _path(points: Sequence[Point], x: Axis, y: Axis) -> str:
    return "".join(f"{'L' if number else 'M'}{_x(one, x):.1f} {_y(other, y):.1f}" for number, (one, other) in enumerate(points))


def _frame(x: Axis, y: Axis) -> str:
    left, right, top, bottom = LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM
    found = [f'<path class="axis" d="M{left:.0f} {top:.0f}V{bottom:.0f}H{right:.0f}"/>']
    for tick in x.ticks():
        found.append(f'<path class="grid" d="M{_x(tick, x):.1f} {top:.0f}V{bottom:.0f}"/>')
        found.append(f'<text x="{_x(tick, x):.1f}" y="{bottom + 18:.0f}" text-anchor="middle">{escape(x.says(tick))}</text>')
    for tick in y.ticks():
        found.append(f'<path class="grid" d="M{left:.0f} {_y(tick, y):.1f}H{right:.0f}"/>')
        found.append(f'<text x="{left - 6:.0f}" y="{_y(tick, y) + 4:.1f}" text-anchor="end">{escape(y.says(tick))}</text>')
    middle = (top + bottom) / 2
    found.append(f'<text x="{(left + right) / 2:.0f}" y="{HEIGHT - 12:.0f}" text-anchor="middle">{escape(x.name)}</text>')
    found.append(f'<text transform="translate(14 {middle:.0f}) rotate(-90)" text-anchor="middle">{escape(y.name)}</text>')
    return "".join(found)


def _legend(names: Sequence[str]) -> str:
    found = []
    for number, name in enumerate(names):
        top = HEIGHT + 10.0 + 22.0 * number
        found.append(f'<path class="line c{number % 5}" stroke-dasharray="{DASHES[number % 5]}" d="M{LEFT:.0f} {top:.0f}h44"/>')
        found.append(f'<text x="{LEFT + 54:.0f}" y="{top + 4:.0f}">{escape(name)}</text>')
    return "".join(found)
