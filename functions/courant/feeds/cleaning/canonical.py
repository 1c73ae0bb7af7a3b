"""The one spelling of a link.

Feeds write the same page's address in many ways: with tracking parameters, through a proxy, as an
accelerated page. Which ways there are is data, in rules/urls.toml; here is only how it is applied.
Different pages must stay different: nothing is sorted, no "www." is dropped, no scheme changed.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

from courant.errors import FeedRefused
from courant.feeds.fetching.guard import check_url

MAX_URL_CHARS = 2048
# What a wrapper may add around a link of the longest kind.
_MAX_WRITTEN_CHARS = 4 * MAX_URL_CHARS

_RULES = Path(__file__).parent / "rules" / "urls.toml"

_PATH_MARKS = "/:@!$&'()*+,;="
_QUERY_MARKS = "/?:@!$'()*,;=+[]|&"
# An escape that may stay: of a byte that is no letter, digit or other unreserved (RFC 3986 §2.3).
_SETTLED = "%[89A-F][0-9A-F]|%2[0-9A-CF]|%3[A-F]"
_PATH, _QUERY = (
    re.compile(
        rf"[A-Za-z0-9_.~{re.escape(marks)}-]*(?:(?:{_SETTLED})[A-Za-z0-9_.~{re.escape(marks)}-]*)*"
    )
    for marks in (_PATH_MARKS, _QUERY_MARKS)
)
# Most links are written well; these need no closer look at scheme and host.
_TYPICAL = re.compile(
    r"(https?)://((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9]))"
    r"(/[^?#\s\\]*)?(?:\?([^#\s]*))?(?:#(\S*))?"
)
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})?")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_LINE = re.compile(r"[\t\r\n]")
_SLUG = re.compile(r"-[^-]*-|\d{5}")
# Pages that are made in the browser have their address in the fragment.
_ROUTING = re.compile(r"(?:!/?|/)[^/].*")


class _Parts(NamedTuple):
    """A URL in pieces, spelled canonically but with everything that it said."""

    scheme: str
    netloc: str
    path: str
    query: str
    fragment: str


def canonical_url(url: str, base: str = "") -> str | None:
    """The one spelling of an http(s) URL, in ASCII; None if it is none or points nowhere.

    Unwrapped, without tracking parameters, AMP, default port, dot segments, needless escapes and
    fragment (unless it is a route: ``#!/…``, ``#/…``). ``base`` resolves relative ones.
    Idempotent.
    """
    parts = canonical_parts(url, base)
    return parts[0] if parts else None


def canonical_parts(url: str, base: str = "") -> tuple[str, str] | None:
    """The canonical URL and, without ``#``, the fragment that it leaves out; "" where none counts.

    Entries of one document may differ in nothing but the fragment; one that only tracks is "".
    """
    rules = _rules()
    parts = _read(url, base)
    while parts:
        netloc = rules.hosts.get(parts.netloc, parts.netloc)
        site = rules.site(netloc)
        inner = _unwrap(parts, site)
        if inner is None:
            return _spell(netloc, parts, rules, site)
        # Always shorter than what it was wrapped in, so this ends.
        parts = inner
    return None


def _spell(netloc: str, parts: _Parts, rules: _Rules, site: _Site) -> tuple[str, str] | None:
    scheme, _, path, query, fragment = parts
    if path.endswith(rules.amp_endings):
        path = rules.unaccelerated(path)
    url = f"{scheme}://{netloc}{path}"
    if query:
        kept = "&".join(pair for pair in query.split("&") if not rules.tracks(pair, site))
        url += f"?{kept}" if kept else ""
    if fragment:
        if _ROUTING.fullmatch(fragment):
            url += f"#{fragment}"
            fragment = ""
        elif fragment[0] in "!/" or rules.tracks_as_fragment(fragment, site):
            fragment = ""
    return (url, fragment) if len(url) + len(fragment) < MAX_URL_CHARS else None


def _unwrap(parts: _Parts, site: _Site) -> _Parts | None:
    for path, names in site.wrapped:
        if path.fullmatch(parts.path):
            values = dict(pair.partition("=")[::2] for pair in parts.query.split("&"))
            for name in names:
                target = unquote(values.get(name, ""))
                if target.startswith(("http://", "https://")) and (inner := _read(target)):
                    return inner
    for beginning, scheme in site.enclosed:
        rest = parts.path.removeprefix(beginning)
        # A host has a dot; what follows may be any page of the wrapper's own.
        if rest != parts.path and "." in rest.partition("/")[0]:
            query = f"?{parts.query}" if parts.query else ""
            return _read(f"{scheme}://{rest}{query}")
    return None


def _read(url: str, base: str = "") -> _Parts | None:
    if len(url) > _MAX_WRITTEN_CHARS:
        return None
    if (match := _TYPICAL.fullmatch(url)) and len(match[2]) < 254:
        scheme, netloc, path, query, fragment = match.groups("")
    else:
        try:
            # Browsers drop line breaks inside an href and blanks around it.
            split = urlsplit(urljoin(base, _LINE.sub("", url.strip())))
            port = split.port
            # A link may name any port, but only a host that the guard would let us ask.
            ports = frozenset({port} if port else ())
            web = check_url(f"{split.scheme}://{split.netloc}/", open_ports=ports)
        except (ValueError, FeedRefused):
            return None
        scheme, _, path, query, fragment = split
        netloc = web.url.removeprefix(f"{scheme}://").removesuffix("/")
    return _Parts(
        scheme,
        netloc,
        _without_dots(path if _PATH.fullmatch(path) else _escape(path, _PATH_MARKS)),
        query if _QUERY.fullmatch(query) else _escape(query, _QUERY_MARKS),
        fragment if _QUERY.fullmatch(fragment) else _escape(fragment, _QUERY_MARKS),
    )


def _without_dots(path: str) -> str:
    if "/." not in path:
        return path or "/"
    kept: list[str] = []
    *folders, last = path.split("/")[1:]
    for segment in folders:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if last == "..":
        del kept[-1:]
    kept.append("" if last in {".", ".."} else last)
    return "/" + "/".join(kept)


def _escape(text: str, marks: str) -> str:
    def settle(match: re.Match[str]) -> str:
        if match[1] is None:
            # A bare percent sign must not make an escape with what is unescaped behind it.
            return "%25"
        character = chr(int(match[1], 16))
        return character if _UNRESERVED.fullmatch(character) else match[0].upper()

    # Lone surrogates can't be encoded; a URL with one is broken anyway, but must not raise.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return quote(_ESCAPE.sub(settle, text), safe=marks + "%~")


class _Site(NamedTuple):
    """The rules of one domain."""

    parameters: frozenset[str] = frozenset()
    wrapped: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = ()
    enclosed: tuple[tuple[str, str], ...] = ()


_NO_SITE = _Site()


@dataclass(frozen=True, slots=True)
class _Rules:
    """rules/urls.toml, ready to be applied."""

    prefixes: tuple[str, ...]
    names: frozenset[str]
    values: dict[str, frozenset[str]]
    fragments: frozenset[str]
    hosts: dict[str, str]
    amp: dict[str, str]
    amp_endings: tuple[str, ...]
    sites: dict[str, _Site]

    def site(self, netloc: str) -> _Site:
        """The rules of a host: its own, else those of the nearest domain above it."""
        while netloc:
            if site := self.sites.get(netloc):
                return site
            netloc = netloc.partition(".")[2]
        return _NO_SITE

    def unaccelerated(self, path: str) -> str:
        """The path of the page itself, for one that may be its accelerated copy."""
        shortened = True
        while shortened:
            shortened = False
            for ending, instead in self.amp.items():
                page = path.removesuffix(ending)
                if page != path and _SLUG.search(page, page.rfind("/") + 1):
                    path, shortened = page + instead, True
        return path

    def tracks(self, pair: str, site: _Site) -> bool:
        """Whether a ``name=value`` says nothing about which page is meant; an empty one doesn't."""
        name, _, value = pair.lower().partition("=")
        # Left over where somebody escaped "&" for HTML twice.
        name = name.removeprefix("amp;")
        return (
            not pair
            or name in self.names
            or name.startswith(self.prefixes)
            or value in self.values.get(name, ())
            or name in site.parameters
        )

    def tracks_as_fragment(self, fragment: str, site: _Site) -> bool:
        """Whether a fragment tells no pieces apart, as parameters, by name, or as a text marker."""
        return fragment.startswith(":~:") or all(
            self.tracks(pair, site) or pair.lower().partition("=")[0] in self.fragments
            for pair in fragment.split("&")
        )


@cache
def _rules() -> _Rules:
    # Once a process, and not at import: most who import us never see a link.
    data = tomllib.loads(_RULES.read_text("utf-8"))
    parameters = data["parameters"]
    wrapped: defaultdict[str, list[tuple[re.Pattern[str], tuple[str, ...]]]] = defaultdict(list)
    enclosed: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for rule in data["wrapped"]:
        for domain in rule["domains"]:
            wrapped[domain].append((re.compile(rule["path"]), tuple(rule["parameters"])))
    for rule in data["enclosed"]:
        for domain in rule["domains"]:
            enclosed[domain] += [(beginning, rule["scheme"]) for beginning in rule["paths"]]
    return _Rules(
        prefixes=tuple(parameters["prefixes"]),
        names=frozenset(parameters["names"]),
        values={name: frozenset(values) for name, values in parameters["values"].items()},
        fragments=frozenset(data["fragments"]["names"]),
        hosts=data["hosts"],
        amp=data["amp"],
        amp_endings=tuple(data["amp"]),
        sites={
            domain: _Site(
                frozenset(parameters["on"].get(domain, ())),
                tuple(wrapped[domain]),
                tuple(enclosed[domain]),
            )
            for domain in {*parameters["on"], *wrapped, *enclosed}
        },
    )
