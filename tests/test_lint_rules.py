"""desk/lint: each rule finds its smallest bad page, and is silent on the good one beside it."""

from __future__ import annotations

import pytest

from desk.lint.check import check
from desk.lint.colour import contrast, parse_colour
from desk.lint.findings import Finding
from desk.lint.mail import Mail

# A page without any finding of severity error or warning; {body} is where a test puts its piece.
PAGE = """<!DOCTYPE html>
<html lang="en" dir="ltr"><head><meta charset="utf-8"><title>News</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<!--[if mso]><xml><o:PixelsPerInch>96</o:PixelsPerInch></xml>
<style>p{{mso-line-height-rule:exactly}}</style><![endif]-->
{head}</head><body style="margin:0"><div style="display:none;mso-hide:all">First words</div>
<h1>Paper</h1>
{body}
<p><a href="https://x.example/unsubscribe">Unsubscribe</a></p></body></html>"""

PICTURE = '<img src="https://x.example/a.png" alt="" width="9" height="9">'
NAMED = PICTURE.replace('alt=""', 'alt="Ferry"')


def row(*styles: str) -> str:
    cells = "".join(f'<td style="{style}">1</td>' for style in styles)
    return f'<table role="presentation"><tr>{cells}</tr></table>'


def page(body: str = "", head: str = "") -> str:
    return PAGE.format(body=body, head=head)


def rules(html: str, around: Mail | None = None, *, notes: bool = False) -> set[str]:
    found = check(html, around)
    return {each.rule for each in found if notes or each.severity != "note"}


def first(html: str, rule: str, around: Mail | None = None) -> Finding:
    return next(each for each in check(html, around) if each.rule == rule)


def test_a_good_page_has_no_finding() -> None:
    assert check(page()) == ()


# (rule, bad, good): bodies
BODIES = [
    # accessibility
    (
        "image-alt",
        '<img src="https://x.example/a.png" width="9" height="9">',
        '<img src="https://x.example/a.png" alt="" width="9" height="9">',
    ),
    ("link-name", '<a href="https://x.example/"></a>', '<a href="https://x.example/">Ferry</a>'),
    (
        "link-name",
        f'<a href="https://x.example/">{PICTURE}</a>',
        f'<a href="https://x.example/">{NAMED}</a>',
    ),
    (
        "link-text-vague",
        '<a href="https://x.example/">Click here</a>',
        '<a href="https://x.example/">See the timetable</a>',
    ),
    (
        "aria-hidden-focus",
        f'<a href="https://x.example/" aria-hidden="true">{PICTURE}</a>',
        f'<a href="https://x.example/" aria-hidden="true" tabindex="-1">{PICTURE}</a>',
    ),
    ("heading-order", "<h3>Too deep</h3>", "<h2>One</h2><h3>Two</h3>"),
    ("one-h1", "<h1>Another</h1>", "<h2>Another</h2>"),
    ("empty-heading", "<h2> </h2>", "<h2>Words</h2>"),
    (
        "layout-table-role",
        "<table><tr><td>x</td></tr></table>",
        '<table role="presentation"><tr><td>x</td></tr></table>',
    ),
    ("color-contrast", '<p style="color:#999999">Faint</p>', '<p style="color:#767676">Enough</p>'),
    (
        "color-contrast",
        '<div style="background-color:#333333"><p>Dark on dark</p></div>',
        '<div style="background-color:#333333"><p style="color:#ffffff">Light on dark</p></div>',
    ),
    (
        "color-contrast",
        '<h2 style="color:#999999;font-size:20px">Nearly large</h2>',
        '<h2 style="color:#949494;font-size:24px">Large</h2>',
    ),
    (
        "font-size-small",
        '<p style="font-size:11px">Small</p>',
        '<p style="font-size:13px">Read</p>',
    ),
    ("font-size-small", '<p style="font-size:8pt">Small</p>', '<p style="font-size:10pt">Read</p>'),
    ("valid-lang", '<p lang="_">x</p>', '<p lang="nl-BE">x</p>'),
    # the mail
    (
        "image-http",
        '<img src="http://x.example/a.png" alt="" width="9" height="9">',
        '<img src="https://x.example/a.png" alt="" width="9" height="9">',
    ),
    (
        "image-size",
        '<img src="https://x.example/a.png" alt="">',
        '<img src="https://x.example/a.png" alt="" width="9" height="9">',
    ),
    (
        "image-source",
        '<img src="" alt="" width="9" height="9">',
        '<img src="https://x.example/a.png" alt="" width="9" height="9">',
    ),
    (
        "image-source",
        '<img src="/a.png" alt="" width="9" height="9">',
        '<img src="cid:a" alt="" width="9" height="9">',
    ),
    (
        "image-source",
        '<img src="//x.example/a.png" alt="" width="9" height="9">',
        '<img src="data:image/png;base64,AA" alt="" width="9" height="9">',
    ),
    (
        "image-http",
        '<p style="background:#fff url(http://x.example/a.png)">1</p>',
        '<p style="background:#fff url(https://x.example/a.png)">1</p>',
    ),
    (
        "image-source",
        "<p style=\"background:#fff url('a.png')\">1</p>",
        "<p style=\"background:#fff url('https://x.example/a.png')\">1</p>",
    ),
    (
        "tracking-pixel",
        '<img src="https://x.example/open" alt="" width="1" height="1">',
        '<img src="https://x.example/line.png" alt="" width="100" height="1">',
    ),
    ("link-empty", '<a href="">Ferry</a>', '<a href="https://x.example/">Ferry</a>'),
    ("link-empty", '<a href="#gone">Down</a>', '<a href="#there">Down</a><p id="there">x</p>'),
    (
        "link-scheme",
        '<a href="javascript:alert(1)">Ferry</a>',
        '<a href="mailto:a@x.example">Write</a>',
    ),
    ("link-scheme", '<a href="/timetable">Ferry</a>', '<a href="tel:112">Call</a>'),
    (
        "link-scheme",
        '<a href="www.x.example">Ferry</a>',
        '<a href="https://www.x.example">Ferry</a>',
    ),
    ("active-content", "<script>1</script>", "<p>1</p>"),
    ("event-handler", '<p onclick="x()">1</p>', "<p>1</p>"),
    ("form", '<input type="text">', "<p>1</p>"),
    (
        "placeholder-left",
        "<p>c0123456789abcdef0123456789abcdefc</p>",
        "<p>sha1 0123456789abcdef0123456789abcdef</p>",
    ),
    ("placeholder-left", "<!--0123456789abcdef0123456789abcdef:lead:x-->", "<!-- a comment -->"),
    (
        "placeholder-left",
        "<p>{{ story.title }}</p>",
        "<p>“{{ cheap }}”, says %%NAME%%; {% now %}</p>",
    ),
    ("placeholder-left", "<p>{% for a in b %}</p>", "<p>100 {% of it %}</p>"),
    (
        "background-colour",
        '<p style="background-image:url(https://x.example/a.png)">1</p>',
        '<p style="background-color:#fff;background-image:url(https://x.example/a.png)">1</p>',
    ),
    # clients
    ("html-bdi", "<p><bdi>Name</bdi></p>", '<p><span dir="auto">Name</span></p>'),
    ("css-display-flex", '<p style="display:flex">1</p>', '<p style="display:block">1</p>'),
    ("css-position", '<p style="position:absolute">1</p>', '<p style="position:static">1</p>'),
    (
        "css-margin-inline-start-end",
        '<p style="margin-inline-start:4px">1</p>',
        '<p style="margin-left:4px">1</p>',
    ),
    ("css-margin", '<p style="margin:-4px 0">1</p>', '<p style="margin:4px 0">1</p>'),
    (
        "css-rgba",
        '<p style="background-color:rgba(0,0,0,.04)">1</p>',
        '<p style="background-color:#f4f4f4;background-color:rgba(0,0,0,.04)">1</p>',
    ),
    (
        "css-word-break",
        '<p style="word-break:break-word">1</p>',
        '<p style="word-break:break-word;word-wrap:break-word">1</p>',
    ),
    ("css-important", '<p style="color:#000000!important">1</p>', '<p style="color:#000000">1</p>'),
    (
        "css-padding",
        '<div style="padding:20px">1</div>',
        '<table role="presentation"><tr><td style="padding:20px">1</td></tr></table>',
    ),
    (
        "css-padding",
        row("padding:20px", "padding:9px"),
        row("padding:20px", "padding:20px 3px"),
    ),
    (
        "css-max-width",
        '<div style="max-width:600px">1</div>',
        '<!--[if mso]><table width="600"><tr><td><![endif]--><div style="max-width:600px">1</div>',
    ),
    ("css-font-size", '<p style="font-size:1.2rem">1</p>', '<p style="font-size:19px">1</p>'),
    (
        "css-border",
        '<table role="presentation"><tr><td style="border-top:12px solid #000">1</td></tr></table>',
        '<table role="presentation"><tr><td style="border-top:3px solid #000">1</td></tr></table>',
    ),
    (
        "css-function-unlisted",
        '<p style="background-color:color-mix(in srgb,#fff,#eee)">1</p>',
        '<p style="background-color:#fff;background-color:color-mix(in srgb,#fff,#eee)">1</p>',
    ),
    (
        "image-svg",
        '<img src="https://x.example/a.svg" alt="Map" width="9" height="9">',
        '<img src="https://x.example/a.png" alt="Map" width="9" height="9">',
    ),
    (
        "html-dir",
        '<a dir="rtl" href="https://x.example/">Ferry</a>',
        '<p dir="rtl"><a href="https://x.example/">Ferry</a></p>',
    ),
]

HEADS = [
    ("css-broken", "<style>p{color:red}}b{margin:0}</style>", "<style>p{color:#000}</style>"),
    ("style-length", f"<style>{'p{margin:0}' * 800}</style>", "<style>p{margin:0}</style>"),
    (
        "image-http",
        "<style>p{background-image:url( 'http://x.example/a.png' )}</style>",
        "<style>p{background-image:url('https://x.example/a.png')}</style>",
    ),
    ("remote-style", '<link rel="stylesheet" href="https://x.example/a.css">', '<link rel="icon">'),
    (
        "remote-font",
        "<style>@font-face{font-family:X;src:url(https://x.example/x.woff)}</style>",
        "",
    ),
    ("base-element", '<base href="https://x.example/">', ""),
    ("meta-viewport", '<meta name="viewport" content="user-scalable=no">', ""),
    (
        "css-selector-child",
        "<style>td>p{color:#000}</style>",
        "<style>@media (max-width:480px){td>p{color:#000}}</style>",
    ),
    (
        "css-selector-attribute",
        "<style>[data-x] .ink{color:#000}</style>",
        "<style>[data-ogsc] .ink{color:#000}</style>",
    ),
    (
        "css-at-media",
        "<style>@media (min-height:400px){p{color:#000}}</style>",
        "<style>@media only screen and (max-width:480px){p{color:#000}}</style>",
    ),
    (
        "css-at-media",
        "<style>@media screen{@media (max-width:480px){p{color:#000}}}</style>",
        "<style>@media (prefers-color-scheme:dark){p{margin:0}}</style>",
    ),
]


@pytest.mark.parametrize(("rule", "bad", "good"), BODIES, ids=range(len(BODIES)))
def test_a_rule_of_the_body(rule: str, bad: str, good: str) -> None:
    assert rule in rules(page(bad))
    assert rule not in rules(page(good))


@pytest.mark.parametrize(("rule", "bad", "good"), HEADS, ids=range(len(HEADS)))
def test_a_rule_of_the_head(rule: str, bad: str, good: str) -> None:
    assert rule in rules(page(head=bad))
    assert rule not in rules(page(head=good))


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("html-has-lang", ' lang="en"', ""),
        ("html-lang-valid", ' lang="en"', ' lang="not a tag"'),
        ("html-dir", ' dir="ltr"', ""),
        ("html-dir", 'lang="en"', 'lang="ar"'),
        ("document-title", "<title>News</title>", ""),
        ("page-has-heading-one", "<h1>Paper</h1>", ""),
        ("doctype", "<!DOCTYPE html>", ""),
        ("viewport", '<meta name="viewport" content="width=device-width,initial-scale=1">', ""),
        ("charset", '<meta charset="utf-8">', ""),
        ("preheader", '<div style="display:none;mso-hide:all">First words</div>', ""),
        ("unsubscribe-link", '<a href="https://x.example/unsubscribe">Unsubscribe</a>', ""),
    ],
)
def test_a_rule_of_the_frame(rule: str, old: str, new: str) -> None:
    html = page()
    assert old in html

    assert rules(html.replace(old, new, 1)) == {rule}


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        ("title-is-subject", Mail(subject="Olds"), Mail(subject=" News ")),
        ("preheader", Mail(preheader="Other words"), Mail(preheader="First words")),
        ("postal-address", Mail(address="1 Street"), Mail(address="Paper")),
        (
            "unsubscribe-link",
            Mail(unsubscribe_url="https://x.example/u"),
            Mail(unsubscribe_url="https://x.example/unsubscribe"),
        ),
        ("text-part", Mail(text=" "), Mail(text="Paper")),
        ("unsubscribe-link", Mail(text="Paper"), Mail(text="Paper\nAbmelden: https://x.example/u")),
        (
            "unsubscribe-link",
            Mail(text="Unsubscribe", unsubscribe_url="https://x.example/unsubscribe"),
            Mail(
                text="https://x.example/unsubscribe",
                unsubscribe_url="https://x.example/unsubscribe",
            ),
        ),
        ("placeholder-left", Mail(marks=("First",)), Mail(marks=("Second",))),
        ("placeholder-left", Mail(text="Paper {{ story.url }}"), Mail(text="Paper {{ x }}")),
        (
            "line-length",
            Mail(raw=b"a: b\r\n\r\n" + b"x" * 999),
            Mail(raw=b"a: b\r\n\r\n" + b"x" * 998),
        ),
    ],
)
def test_a_rule_of_the_mail(rule: str, bad: Mail, good: Mail) -> None:
    assert rule in rules(page(), bad)
    assert rule not in rules(page(), good)


@pytest.mark.parametrize(
    ("size", "expected"),
    [(100_000, None), (100_001, "warning"), (102_400, "warning"), (102_401, "error")],
)
def test_weight_is_that_of_the_decoded_html(size: int, expected: str | None) -> None:
    html = page("é")
    html = html.replace("é", "é" + "x" * (size - len(html.encode())))

    severities = {each.rule: each.severity for each in check(html)}

    assert len(html.encode()) == size
    assert severities.get("html-weight") == expected


def test_the_text_part_tells_the_same_stories_in_the_same_order() -> None:
    html = page("<h2>Ferries return, &amp; boats</h2><h2>Storm</h2>")

    def told(text: str) -> set[str]:
        return rules(html, Mail(text=f"{text}\n\nUnsubscribe: https://x.example/unsubscribe"))

    assert not told("FERRIES  RETURN,\n  & boats\n\nStorm")
    assert told("Storm\n\nFerries return, & boats") == {"text-part-order"}
    assert told("Ferries return, & boats") == {"text-part-stories"}


def test_the_text_parts_way_out_is_the_text_parts_finding() -> None:
    finding = first(page(), "unsubscribe-link", Mail(text="Paper"))

    assert (finding.severity, finding.part, finding.place) == ("error", "text", "digest.txt")


def test_an_id_that_is_there_twice_is_worth_knowing() -> None:
    twice = '<p id="a">1</p><p id="b">2</p><p id="a">3</p><p id="">4</p><p id="">5</p>'

    (finding,) = (each for each in check(page(twice)) if each.rule == "duplicate-id")

    assert finding.severity == "note"
    assert "'a'" in finding.message


def test_a_table_of_layout_around_one_of_data_is_none_of_data() -> None:
    data = "<table><tr><th>Pier</th></tr></table>"

    assert "layout-table-role" not in rules(page(data))
    assert "layout-table-role" in rules(page(f"<table><tr><td>{data}</td></tr></table>"))


def test_a_language_of_another_script_has_its_direction() -> None:
    assert "html-dir" in rules(page().replace('lang="en"', 'lang="pa-Arab"'))
    assert "html-dir" not in rules(page().replace('lang="en"', 'lang="ku"'))


def test_of_a_page_of_megabytes_only_the_weight_is_told() -> None:
    assert [each.rule for each in check(page("<img>" + "x" * 1_000_000))] == ["html-weight"]


def test_a_colour_of_the_body_is_repeated_by_the_frame() -> None:
    html = page(
        '<table role="presentation" style="background-color:#EEE"><tr><td>1</td></tr></table>'
    )

    assert "html-body" in rules(html.replace("margin:0", "margin:0;background-color:#ddd"))
    assert "html-body" not in rules(html.replace("margin:0", "margin:0;background-color:#eee"))


def test_a_finding_names_line_and_column() -> None:
    html = page('<p>one</p>\n<p>two <span\n style="font-size:13px; display:flex">x</span></p>')
    line = html.split("\n").index(' style="font-size:13px; display:flex">x</span></p>') + 1

    finding = first(html, "css-display-flex")

    assert (finding.line, finding.column) == (line, 25)
    assert finding.place == f"digest.html:{line}:25"
    assert finding.clients[0] == "outlook-windows"


def test_a_finding_of_a_style_block_names_its_line() -> None:
    html = page(head="<style>\np{color:#000}\n  b{display:grid}\n</style>")
    line = html.split("\n").index("  b{display:grid}") + 1

    finding = first(html, "css-display-grid")

    assert (finding.line, finding.column) == (line, 5)


def test_dark_mode_has_its_own_contrast() -> None:
    dark = "<style>@media (prefers-color-scheme:dark){.paper{background:#111!important}%s}</style>"
    ink = '<p class="ink" style="color:#222222">x</p>'
    body = f'<div class="paper" style="background-color:#ffffff">{ink}</div>'
    bad, good = dark % "", dark % ".ink{color:#eee!important}"

    assert "in dark" in first(page(body, bad), "color-contrast").message
    assert "color-contrast" not in rules(page(body, good))


def test_what_outlook_for_windows_is_not_shown_is_not_held_against_it() -> None:
    flex = '<p style="max-height:9px">1</p>'

    assert first(page(flex), "css-max-height").clients == ("outlook-windows",)
    assert "css-max-height" not in rules(page(f"<!--[if !mso]><!-->{flex}<!--<![endif]-->"))


def test_contrast_is_wcags() -> None:
    black, white, grey = ((0.0,) * 3, (1.0,) * 3, parse_colour("#767676"))

    assert contrast(black, white) == pytest.approx(21)
    assert grey is not None
    assert contrast(grey[:3], white) == pytest.approx(4.54, abs=0.01)
    mixed = parse_colour("color-mix(in srgb,#000000 50%,#ffffff)")
    assert mixed == (0.5, 0.5, 0.5, 1.0)
