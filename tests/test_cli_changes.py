"""What apply would change, decided from files and table alone."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from courant.newsletter import Newsletter
from desk import newsletter_file
from desk.commands.changes import between, describe, feeds_of, written

DEMO = newsletter_file.load(Path(__file__).resolve().parents[1] / "newsletters" / "demo.yaml")


def variant(id_: str, feeds: tuple[str, ...], limit: int) -> Newsletter:
    section = DEMO.sections[0].model_copy(update={"feeds": feeds, "limit": limit})
    return DEMO.model_copy(update={"id": id_, "sections": (section,)})


some = st.lists(
    st.builds(
        variant,
        st.sampled_from(["a", "b", "c"]),
        st.lists(
            st.sampled_from([f"https://feeds.example/{n}" for n in range(4)]),
            min_size=1,
            unique=True,
        ).map(tuple),
        st.integers(1, 2),
    ),
    unique_by=lambda newsletter: newsletter.id,
)


@given(some, some, st.booleans())
def test_after_the_changes_the_table_says_what_the_files_say(
    files: list[Newsletter], table: list[Newsletter], prune: bool
) -> None:
    changes = between(files, table, prune=prune)

    after = {one.id: one for one in table}
    after |= {one.id: one for one in (*changes.added, *(new for _, new in changes.changed))}
    for one in changes.removed:
        del after[one.id]
    assert all(after[one.id] == one for one in files)
    assert between(files, list(after.values()), prune=prune).is_empty
    gathered = (feeds_of(table).keys() | feeds_of(changes.added).keys()) | {
        id_ for _, new in changes.changed for id_ in feeds_of([new])
    }
    dropped = {id_ for id_, url in feeds_of(table).items() if url in changes.dropped_feeds}
    assert gathered - dropped == feeds_of(after.values()).keys()


def test_another_spelling_of_a_feeds_address_drops_nothing() -> None:
    before = variant("a", ("https://feeds.example/x",), 1)
    after = variant("a", ("https://FEEDS.example/x",), 1)

    changes = between([after], [before], prune=False)

    assert [new for _, new in changes.changed] == [after]
    assert changes.dropped_feeds == ()


def test_the_diff_reads_like_the_file_and_comes_back_as_it() -> None:
    newsletter, mistakes = newsletter_file.parse(written(DEMO))

    assert (newsletter, mistakes) == (DEMO, ())
    lines = list(describe(between([DEMO], [], prune=False), one_file=False))
    assert "+  The Havenmere Courant" in lines
    assert "+max_lateness: 6h" in lines
