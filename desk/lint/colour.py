"""CSS colours: read, mixed, held against each other."""

from __future__ import annotations

import re

import tinycss2
import tinycss2.color3

Colour = tuple[float, float, float]  # red, green, blue from 0 to 1

WHITE: Colour = (1.0, 1.0, 1.0)
BLACK: Colour = (0.0, 0.0, 0.0)
_MIX = re.compile(
    r"color-mix\(\s*in srgb\s*,\s*(#\w+)\s+([\d.]+)%\s*,\s*(#\w+|white|black)\s*\)", re.IGNORECASE
)


def contrast(one: Colour, other: Colour) -> float:
    """WCAG's contrast ratio, 1 to 21 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def parse_colour(value: str) -> tuple[float, float, float, float] | None:
    """Red, green, blue and alpha of a CSS colour, or None."""
    if match := _MIX.fullmatch(value.strip()):
        one, other = parse_colour(match[1]), parse_colour(match[3])
        share = float(match[2]) / 100
        if one is None or other is None:
            return None
        red, green, blue = (
            a * share + b * (1 - share) for a, b in zip(one[:3], other[:3], strict=True)
        )
        return red, green, blue, 1.0
    try:
        colour = tinycss2.color3.parse_color(value)
    except (ValueError, IndexError):
        return None
    if colour is None or isinstance(colour, str):
        return None
    return tuple(float(part) for part in colour)  # type: ignore[return-value]  # it has four


def _luminance(colour: Colour) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def over(colour: tuple[float, float, float, float], below: Colour | None) -> Colour | None:
    """A colour with alpha as it looks on another; None where nobody can say what is below."""
    red, green, blue, alpha = colour
    if alpha >= 1:
        return red, green, blue
    if below is None:
        return None
    mixed = tuple(
        part * alpha + under * (1 - alpha)
        for part, under in zip((red, green, blue), below, strict=True)
    )
    return mixed[0], mixed[1], mixed[2]


def hexadecimal(colour: Colour) -> str:
    """``#767676``."""
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)
