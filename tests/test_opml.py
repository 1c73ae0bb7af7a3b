"""OPML → a newsletter file: what is taken, what is said, and that the file is one."""

import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.newsletter import Newsletter
from desk import newsletter_file
from desk.newsletter_draft import Draft, draft, slug
from desk.opml import FeedList, ListedFeed, NotOpml, parse


def opml(*outlines: str, title: str = "My feeds") -> bytes:
    body = "".join(outlines)
    head = f"<head><title>{title}</title></head>"
    return f'<?xml version="1.0"?><opml version="2.0">{head}<body>{body}</body></opml>'.encode()


def feed(url: str, title: str = "") -> str:
    return f'<outline type="rss" text="{title}" xmlUrl="{url}"/>'


def folder(name: str, *inside: str) -> str:
    return f'<outline text="{name}">{"".join(inside)}</outline>'


def finished(made: Draft) -> Newsletter:
    """The newsletter of a draft, after an editor filled in the two places, and only these."""
    newsletter, mistakes = newsletter_file.parse(made.text)
    assert newsletter is None
    assert [one.where for one in mistakes] == ["sender.address", "postal_address"]
    text = made.text.replace("address: CHANGE-THIS", "address: news@example.org")
    text = text.replace("\npostal_address:\n", "\npostal_address: 1 Example Street\n")
    newsletter, mistakes = newsletter_file.parse(text)
    assert mistakes == ()
    assert newsletter is not None
    return newsletter


def test_folders_become_sections_and_the_rest_is_asked_for() -> None:
    listed = parse(
        opml(
            folder("Tech", feed("https://a.example/1", "One"), feed("https://a.example/2")),
            feed("https://a.example/3"),
            folder("World", folder("Asia", feed("https://a.example/4"))),
        )
    )

    newsletter = finished(draft(listed, "my list"))

    assert (newsletter.id, newsletter.title) == ("my-list", "My feeds")
    assert [(one.id, one.title, one.feeds) for one in newsletter.sections] == [
        ("tech", "Tech", ("https://a.example/1", "https://a.example/2")),
        ("latest", "Latest", ("https://a.example/3",)),
        ("world-asia", "World / Asia", ("https://a.example/4",)),
    ]


def test_names_that_yaml_would_read_otherwise_come_back_as_they_are() -> None:
    listed = parse(
        opml(
            folder("No", feed("https://a.example/#x:", "- a: b # c")),
            folder("- {a: [b", feed("https://a.example/2")),
            folder("日本", feed("https://a.example/3", "ニュース")),
            folder("日本!", feed("https://a.example/4")),
            title="12",
        )
    )

    newsletter = finished(draft(listed, "日本"))

    assert newsletter.title == "12"
    assert [one.title for one in newsletter.sections] == ["No", "- {a: [b", "日本", "日本!"]
    assert [one.id for one in newsletter.sections] == ["no", "a-b", "section", "section-2"]
    assert newsletter.sections[0].feeds == ("https://a.example/#x:",)


def test_what_is_left_out_is_said() -> None:
    made = draft(
        parse(
            opml(
                folder("A", feed("https://a.example/1"), feed("HTTPS://A.example/1", "Again")),
                folder("B", feed("https://a.example/1"), feed("|~/script.sh", "Pipe")),
                feed("https://user:secret@a.example/", "Secret"),
                feed("https://", "Nowhere"),
                '<outline type="rss" text="No address"/>',
                feed("feed://a.example/5"),
            )
        ),
        "list",
    )

    assert made.feeds == 2
    said = "\n".join(made.remarks)
    assert "HTTPS://A.example/1 (Again) is there twice" in said
    assert "https://a.example/1 is there in “A” and in “B”; kept the first" in said
    assert "left out |~/script.sh (Pipe): only http and https" in said
    assert "left out “No address”: it has no address" in said
    assert "Secret" in said
    assert "Nowhere" in said
    assert finished(made).feeds == ("https://a.example/1", "http://a.example/5")


def test_more_folders_and_feeds_than_a_newsletter_holds() -> None:
    many = [folder(f"F{n}", feed(f"https://a.example/{n}")) for n in range(120)]
    full = folder("Full", *(feed(f"https://b.example/{n}") for n in range(1100)))

    newsletter = finished(draft(parse(opml(full, *many)), "list"))

    assert len(newsletter.sections) == 100
    assert [one.title for one in newsletter.sections[:3]] == ["Full", "Full 2", "Full 3"]
    assert newsletter.sections[-1].title == "More"
    assert len(newsletter.feeds) == 1220


@pytest.mark.parametrize(
    "broken",
    [
        opml(feed("https://a.example/?a=1&b=2", "This & that")),
        opml(feed("https://a.example/?a=1&b=2", "Caf&eacute;")),
        opml(feed("https://a.example/?a=1&b=2")).replace(b"</body></opml>", b""),
        b"\xef\xbb\xbf\r\n" + opml(feed("https://a.example/?a=1&amp;b=2")),
        opml(feed("https://a.example/?a=1&amp;b=2")).decode().encode("utf-16"),
        opml(feed("https://a.example/?a=1&amp;b=2", "x\x0by")),
    ],
)
def test_a_broken_list_is_read_as_far_as_it_goes(broken: bytes) -> None:
    [one] = parse(broken).feeds

    assert one.url == "https://a.example/?a=1&b=2"


def test_a_list_says_where_it_broke() -> None:
    listed = parse(opml(feed("https://a.example/1"), "<outline <", feed("https://a.example/2")))

    assert [one.url for one in listed.feeds] == ["https://a.example/1", "https://a.example/2"]
    assert listed.fault is not None
    assert listed.fault.startswith("line 1: ")
    made = draft(listed, "x")
    assert "it is broken (line 1" in made.remarks[0]
    assert "; 1 feed after that was found all the same" in made.remarks[0]
    assert made.is_partial


QUOTED = '<outline text="Q" description="see <a href="https://x.example">x</a>" xmlUrl="%s"/>'


def test_behind_the_damage_feeds_are_found_in_their_sections() -> None:
    listed = parse(
        opml(
            folder("A", feed("https://a.example/1"), QUOTED % "https://a.example/2"),
            folder(
                "B &amp; C",
                feed("https://a.example/?a=1&amp;b=3", "Caf&#233;"),
                '<outline text="Open" xmlUrl="https://a.example/4">',
                "<outline text='D'><OUTLINE xmlurl='https://a.example/5'></OUTLINE></outline>",
                '<outline type="rss" text="No address"/>',
                feed("https://a.example/6"),
            ),
            feed("https://a.example/7"),
        )
    )

    assert [(one.url, one.folders) for one in listed.feeds] == [
        ("https://a.example/1", ("A",)),
        ("https://a.example/2", ("A",)),
        ("https://a.example/?a=1&b=3", ("B & C",)),
        ("https://a.example/4", ("B & C",)),
        ("https://a.example/5", ("B & C", "D")),
        ("https://a.example/6", ("B & C",)),
        ("https://a.example/7", ()),
    ]
    assert [one.title for one in listed.feeds][2] == "Café"
    assert listed.after_fault == 6
    assert listed.without_url == ("No address",)


def test_a_folder_that_was_closed_before_the_damage_stays_closed() -> None:
    inner = folder("B", feed("https://a.example/1"))
    listed = parse(opml(folder("A", inner, QUOTED % "https://a.example/2")))

    assert [one.folders for one in listed.feeds] == [("A", "B"), ("A",)]


def test_a_tag_too_many_costs_nothing() -> None:
    listed = parse(opml(folder("A", feed("https://a.example/1"), "</b>", feed("https://a.ex/2"))))

    assert [(one.url, one.folders) for one in listed.feeds] == [
        ("https://a.example/1", ("A",)),
        ("https://a.ex/2", ("A",)),
    ]


@pytest.mark.parametrize(
    "rest",
    [
        "<outline " * 40_000,
        "<outline text='" * 40_000,
        "<outline text=\"'" * 40_000,
        '<outline xmlUrl="x"' + " xmlurl " * 300_000,
        "</outline>" * 50_000,
        "<outline>" * 99 + '<outline xmlUrl="x">' * 40_000,
    ],
)
def test_a_hostile_rest_is_gone_through_in_good_time(rest: str) -> None:
    started = time.process_time()

    with suppress(NotOpml):
        parse(opml(f"<<{rest}"))

    assert time.process_time() - started < 5


@given(st.text("<>/ \"=outlinexmUr&;'é", max_size=200))
def test_whatever_comes_behind_the_damage_nothing_raises(rest: str) -> None:
    listed = parse(opml(feed("https://a.example/1"), f"<<{rest}", feed("https://a.example/2")))

    assert listed.feeds[0].url == "https://a.example/1"
    assert listed.fault


def test_doubles_are_no_loss() -> None:
    twice = parse(opml(feed("https://a.example/1"), feed("https://a.example/1")))

    assert not draft(twice, "x").is_partial
    assert draft(parse(opml('<outline type="rss" text="No address"/>')), "x").is_partial
    assert draft(parse(opml(feed("ftp://a.example/1"))), "x").is_partial


BOMB = (
    '<!DOCTYPE o [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]><opml><body><outline text='&j;' xmlUrl='https://a.example/'/></body></opml>"
)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (BOMB.encode(), "entities"),
        (b'<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]><opml>&x;</opml>', "entities"),
        (b"", "empty"),
        (b"<rss/>", "no list of feeds"),
        (b"<not-opml><body/></not-opml>", "no list of feeds"),
        (b"hello", "no list of feeds"),
        (b"\xff\xfe\x00\x01\x02", "no list of feeds"),
        (opml(folder("x" * 10, "") * 0 + "<outline>" * 200 + "</outline>" * 200), "nested"),
        (opml("<outline/>" * 60_000), "more than"),
        (b" " * (10 * 1024 * 1024 + 1), "longer than"),
    ],
)
def test_what_is_no_list_is_refused_with_the_reason(body: bytes, why: str) -> None:
    with pytest.raises(NotOpml, match=why):
        parse(body)


def test_a_plain_document_type_is_no_crime() -> None:
    body = opml(feed("https://a.example/")).replace(
        b"<opml", b'<!DOCTYPE opml SYSTEM "http://x.example/o.dtd"><opml'
    )

    assert len(parse(body).feeds) == 1


texts = st.text(max_size=40)


@given(
    st.lists(
        st.builds(
            ListedFeed,
            st.one_of(texts, st.integers(0, 5).map(lambda n: f"https://a.example/{n}")),
            st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=40),
            st.lists(
                st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=99),
                max_size=4,
            ).map(lambda names: tuple(name for one in names if (name := " ".join(one.split())))),
        ),
        min_size=1,
    ),
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=300),
    texts,
)
def test_whatever_is_listed_the_file_is_a_newsletter(
    feeds: list[ListedFeed], title: str, name: str
) -> None:
    made = draft(FeedList(" ".join(title.split()), tuple(feeds)), name)

    if made.feeds:
        assert len(finished(made).feeds) == made.feeds


@given(st.text())
def test_a_slug_is_an_id_or_nothing(name: str) -> None:
    assert slug(name) == "" or slug(slug(name)) == slug(name)


@pytest.mark.parametrize(
    ("file", "feeds"),
    [
        ("picofeed/google-reader.opml", 20),
        ("picofeed/subscriptionList.opml", 5),
        ("feeder/model/opml/Programming.opml", 50),
        ("feedhq/sample.opml", 2),
        ("newsboat/test-urls+.opml", 4),
        ("newsboat/piped.opml", 1),
        ("stringer/sample_data/subscriptions.xml", 20),
        ("w3c-feedvalidator/testcases/opml/clean/subscriptionList.opml", 10),
        ("w3c-feedvalidator/testcases/opml/errors/notwellformed.opml", 1),
    ],
)
def test_the_lists_of_the_corpus_become_newsletters(shared: Path, file: str, feeds: int) -> None:
    made = draft(parse((shared / "corpora/feeds" / file).read_bytes()), Path(file).stem)

    assert len(finished(made).feeds) >= feeds


def test_no_file_of_the_corpus_breaks_the_import(shared: Path) -> None:
    for path in sorted((shared / "corpora/feeds").rglob("*.opml")):
        with suppress(NotOpml):
            assert "sections:" in draft(parse(path.read_bytes()), path.stem).text
