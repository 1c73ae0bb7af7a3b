"""A newsletter's accent on its readers' pages, by day and by night. Pure.

Either black or white text has a contrast of 4.58 or more on any colour (WCAG 2.2 asks 4.5): the one
that is hardest for both has the luminance sqrt(1.05 × 0.05) − 0.05.
"""

from __future__ import annotations

from dataclasses import dataclass

BLACK, WHITE = "#000000", "#ffffff"
# As templates/web/paper.html.j2 has it: dark accents would be lost on the dark page.
_NIGHT = 0.6


@dataclass(frozen=True, slots=True)
class Accent:
    """Colours as ``#rrggbb``; ``on_…`` is for text that stands on the other."""

    day: str
    on_day: str
    night: str
    on_night: str


def accent(colour: str) -> Accent:
    """The accent ``#rrggbb`` of a newsletter, as a page wears it."""
    night = "#" + "".join(
        f"{round(_NIGHT * channel + (1 - _NIGHT) * 255):02x}" for channel in _channels(colour)
    )
    return Accent(colour, _on(colour), night, _on(night))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21, as WCAG counts it."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _on(colour: str) -> str:
    return max(WHITE, BLACK, key=lambda text: contrast(text, colour))


def _luminance(colour: str) -> float:
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in (each / 255 for each in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
