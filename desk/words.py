"""What to tell an editor about the words that a newsletter's readers will see."""

from __future__ import annotations

from pathlib import Path

from courant import locales
from courant.errors import ConfigurationError
from courant.newsletter import Newsletter


def note(newsletter: Newsletter, folder: Path = locales.FOLDER) -> str | None:
    """That English stands in, where nobody has written the words of the newsletter's language."""
    language = newsletter.language
    if locales.offered(language, folder, newsletter.id):
        return None
    # Babel takes a moment, which only those need whose language is missing.
    from babel import Locale, UnknownLocaleError

    try:
        name = Locale.parse(language.partition("-")[0]).english_name or language
    except (UnknownLocaleError, ValueError):
        name = language
    return f"there are no {name} words yet: English stands in; see docs/languages.md"


def mistakes(newsletter: Newsletter, folder: Path = locales.FOLDER) -> list[str]:
    """What is wrong with the newsletter's own files of words, one sentence a file."""
    found: dict[str, None] = {}
    for file in sorted((folder.parent / newsletter.id / folder.name).glob("*.toml")):
        try:
            locales.strings(file.stem, folder, newsletter.id)
        except ConfigurationError as error:
            # A kind of a language also reads the language's file, whose mistake is told already.
            found[str(error)] = None
    return list(found)
