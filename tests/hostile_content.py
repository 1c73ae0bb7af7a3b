"""Hostile feeds that are well-formed: what is in their titles, texts, links and dates."""

from __future__ import annotations

from functools import partial
from html import escape

from tests.hostile import GOOD, Expected, Hostile, beside, item, rss


def _titled(title: str) -> bytes:
    return beside(item(escape(title)))


def _told(html: str) -> bytes:
    return beside(item("Bad", f"<description>{escape(html)}</description>"))


def _linked(link: str, more: str = "") -> bytes:
    return beside(item("Bad", more, link=escape(link)))


def _dated(date: str) -> bytes:
    return beside(item("Bad", f"<pubDate>{date}</pubDate><dc:date>{date}</dc:date>"))


_MARKUP = {
    # (26) where sanitisers get confused
    "svg style": "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "math style": "<math><mtext><table><mglyph><style><!--</style><img onerror=alert(1) src=x>",
    "noscript": "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "template": "<template><img src=x onerror=alert(1)></template>",
    "form in form": "<form><math><mtext></form><form><mglyph><style></math><img onerror=alert(1)>",
    "comment": "<!--><img src=x onerror=alert(1)>--><!-- --!><img src=x onerror=alert(1)>",
    "cdata": "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "xmp": "<xmp><p title='</xmp><img src=x onerror=alert(1)>'>",
    "textarea": "<textarea></textarea><script>alert(1)</script>",
    "plaintext": "<plaintext><script>alert(1)</script>",
    "half a tag": "<img src=x onerror=alert(1) ",
    "slashes": "<img/src=x/onerror=alert(1)>",
    "NUL in a tag": "<scr\0ipt>alert(1)</scr\0ipt>",
    "frame": "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    # (28)–(30) what CSS, forms and pixels do
    "overlay": "<div style='position:fixed;inset:0;z-index:9'><a href='//evil.example'>Log in</a>",
    "style beacon": "<style>@import url(//evil.example)</style><p style='background:url(//e.ex)'>",
    "login form": "<form action='https://evil.example'><input name=pw><button>Log in</button>",
    "pixel": "<img src='https://evil.example/p.gif' width=1 height=1><p>x",
    "hidden text": "<div style='display:none;max-height:0'>Your account is blocked</div>",
}
# By the rules of HTML, or of RSS, where nobody said that it is HTML, these are words.
_LITERAL = {"xmp", "plaintext", "half a tag", "slashes"}
_TITLES: dict[str, tuple[str, Expected]] = {
    # (31), (32) words of templates
    "template braces": ("{{7*7}}{% include 'x' %}{# x #}", 2),
    "placeholder": ("{{amazonSESUnsubscribeUrl}} %%unsubscribe%% [[preferences]]", 2),
    # (33) what would end a header
    "line breaks": ("Bad\r\nBcc: all@example.org\r\n\r\nx", 2),
    "NUL": ("Bad\0\x01\x1b[31m", 2),
    "line separators": ("Bad\u2028Bcc: a\u2029\x85\x0b\x0c", 2),
    # (34) what is not seen, or turns the rest
    "direction": ("Bad \u202egnp.exe\u202c \u2066a\u2069\u200f", 2),
    "nothing to see": ("\u200b\u200c\u200d\u2060\ufeff\u00ad\u3164\U000e0041", ("Good",)),
    "zalgo": ("Z" + "\u0334\u0335\u0489" * 5_000, 2),
    "joiners": ("\u200d".join("👩" * 3_000), 2),
    "variation": ("x" + "\ufe0f" * 100_000, 2),
    # (38) long
    "a word of 5 MB": ("W" * 5_000_000, 2),
    "a million words": ("w " * 1_000_000, 2),
    "entities in entities": ("&amp;" * 100_000 + "lt;b>", 2),
}
_LINKS: dict[str, tuple[str, Expected]] = {
    # (27) links that do something
    "javascript": ("javascript:alert(1)", ("Good",)),
    "javascript with tab": ("java\tscript:alert(1)", ("Good",)),
    "javascript with line break": ("\n j a\nvascript:alert(1)", None),
    "javascript in capitals": ("JaVaScRiPt://example.org/%0aalert(1)", ("Good",)),
    "javascript with control": ("\x01javascript:alert(1)", ("Good",)),
    "data": ("data:text/html,<script>alert(1)</script>", ("Good",)),
    "vbscript": ("vbscript:msgbox(1)", ("Good",)),
    "file": ("file:///etc/passwd", ("Good",)),
    # (32) a link with our words in it
    "placeholder theft": ("https://e.example/?u={{unsubscribe_url}}%%mail%%", 2),
    # (35) names that look like others
    "homograph": ("https://аррӏе.com/login", 2),
    "user info": ("https://bank.example@evil.example/", ("Good",)),
    "address in digits": ("http://①②⑦.⓪.⓪.①/", None),
    "label of 10,000": ("https://" + "ü" * 10_000 + ".example/", ("Good",)),
    "5,000 labels": ("https://" + "ü." * 5_000 + "example/", ("Good",)),
    "broken brackets": ("http://[::1/a", ("Good",)),
    "no such port": ("http://example.org:99999/", ("Good",)),
    # (39) long and broken ones
    "line break": ("https://example.org/a\nb", 2),
    "100 KB": ("https://example.org/" + "a" * 100_000, ("Good",)),
    "100 KB of percent signs": ("https://example.org/" + "%" * 100_000, ("Good",)),
    "quotes": ("https://example.org/\"onmouseover='alert(1)'><img>", 2),
    "100,000 dots": ("../" * 100_000 + "a", None),
    "100,000 parameters": ("https://example.org/?" + "utm_a=1&" * 100_000, None),
}
_DATES = (
    *("Fri, 31 Dec 9999 23:59:59 GMT", "9999999999-99-99T99:99:99Z", "1111-11-11T11:11:11Z"),
    *("11111111111111", "Mon, 31 Feb 2026 07:00:00 +0000", "0000-00-00T00:00:00Z", "-1", "NaN"),
    *("Sun, 22 Nov 2026 25:61:61 +9999", "20261122T070000+99:99", "(" * 50_000, "9" * 50_000),
    *("1 " * 50_000, "Mon, " * 50_000, "2026-" * 20_000, "١٩٩٩-٠١-٠١", ":" * 50_000),
)


def _enclosed(url: str, kind: str) -> bytes:
    return beside(item("Bad", f"<enclosure url='{url}' type='{kind}' length='99999999999999'/>"))


CONTENT_CASES = (
    *(
        Hostile(f"markup: {name}", partial(_told, html), 2, literal=name in _LITERAL)
        for name, html in _MARKUP.items()
    ),
    *(
        Hostile(f"title of markup: {name}", partial(_titled, html), None, literal=name in _LITERAL)
        for name, html in _MARKUP.items()
    ),
    *(
        Hostile(f"title: {name}", partial(_titled, text), out)
        for name, (text, out) in _TITLES.items()
    ),
    *(Hostile(f"link: {name}", partial(_linked, url), out) for name, (url, out) in _LINKS.items()),
    # Dates, (36).
    *(Hostile(f"date: {date[:24]}", partial(_dated, date), 2) for date in _DATES),
    # Who is who, (37).
    Hostile(
        "one guid for all",
        lambda: rss(
            "".join(item(f"t{n}", "<guid>1</guid>", f"https://e.example/{n}") for n in range(50))
        ).encode(),
        50,
    ),
    Hostile(
        "one link for all",
        lambda: rss("".join(item(f"t{n}", f"<guid>{n}</guid>") for n in range(5_000))).encode(),
        None,
    ),
    Hostile("guid of 5 MB", lambda: beside(item("Bad", f"<guid>{'g' * 5_000_000}</guid>")), 2),
    # What comes along, (40).
    Hostile("enclosed program", partial(_enclosed, "https://e.example/a.exe", "x-msdownload"), 2),
    Hostile("program as picture", partial(_enclosed, "javascript:alert(1)", "image/png"), 2),
    Hostile("picture of script", partial(_enclosed, "data:image/svg+xml,x", "image/svg+xml"), 2),
    Hostile(
        "100,000 pictures",
        lambda: beside(item("Bad", "<enclosure url='a.png' type='image/png'/>" * 100_000)),
        None,
    ),
    Hostile("100,000 authors", lambda: beside(item("Bad", "<author>A B</author>" * 100_000)), None),
    Hostile(
        "author in brackets", lambda: beside(item("Bad", f"<author>{'(' * 50_000}</author>")), 2
    ),
    Hostile(
        "a rhythm of megabytes",
        lambda: rss(
            GOOD,
            channel=f"<ttl>{'6' * 3_000_000}</ttl>"
            f"<skipHours>{'<hour>1</hour>' * 99_999}</skipHours>",
        ).encode(),
        None,
    ),
    # What our own patterns might be slow at.
    *(
        Hostile(f"slow pattern: {html[:20]!r}", partial(_told, html), None)
        for html in (
            *(
                "<sup><a " * 100_000,
                "<sup>" * 100_000,
                "<" * 100_000,
                "&" * 100_000,
                "&#" * 100_000,
            ),
            *("&#" + "1" * 500_000, "The post " * 50_000, "[… " * 50_000, " " * 500_000 + "x"),
            *("<img " * 50_000, "<img src='" * 50_000, "Read more " * 20_000, ". " * 200_000),
            *("<a href='" * 50_000, "]]>" * 100_000, "<p><table>" * 30_000, "<!--" * 100_000),
        )
    ),
    Hostile(
        "slow pattern: <skipHours>",
        lambda: rss(GOOD + "<skipHours><hour>1" * 50_000).encode(),
        None,
        slow=True,
    ),
    Hostile("slow pattern: content type", lambda: rss(GOOD).encode(), 1, "charset=" * 50_000),
    Hostile(
        "slow pattern: prolog", lambda: rss(GOOD, "<?xml " + "encoding " * 99_999).encode(), None
    ),
)
