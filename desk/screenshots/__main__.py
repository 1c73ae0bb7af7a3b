"""``python -m desk.screenshots``: every look, both widths, light and dark, pictures on and off."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import get_args

from courant.errors import ConfigurationError, CourantError
from courant.newsletter import Look
from desk import browser
from desk.screenshots import scenes, shoot

_DOCS = Path(__file__).resolve().parents[2] / "docs" / "images"


def main() -> int:
    """Take the pictures; the exit code."""
    looks: tuple[Look, ...] = get_args(Look)
    parser = argparse.ArgumentParser(prog="python -m desk.screenshots", description=__doc__)
    parser.add_argument("--look", choices=looks, action="append", help="only this one")
    parser.add_argument("--language", choices=scenes.LANGUAGES, action="append", help="only this")
    parser.add_argument("--out", type=Path, default=Path("out/screenshots"), metavar="FOLDER")
    parser.add_argument("--height", type=int, metavar="PIXELS", help="only the upper part")
    parser.add_argument(
        "--docs", action="store_true", help="write the pictures of docs/images instead"
    )
    asked = parser.parse_args()
    try:
        with browser.opened() as opened:
            if asked.docs:
                for path in shoot.for_docs(opened, asked.look or looks, _DOCS):
                    print(path)
                return 0
            shots = []
            for shot in shoot.shoot(
                opened,
                asked.look or looks,
                asked.language or scenes.LANGUAGES,
                asked.out,
                asked.height,
            ):
                print(shot.name)
                shots.append(shot)
            print(shoot.contact_sheet(shots, asked.out))
    except (ConfigurationError, CourantError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
