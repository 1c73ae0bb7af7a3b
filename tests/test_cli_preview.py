"""courant preview: pages of a digest, from the demo's paper or from feed files."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from courant.templates import TemplateBroken
from desk.cli import app
from desk.preview.server import PreviewServer

DEMO = Path(__file__).resolve().parents[1] / "newsletters" / "demo.yaml"

RSS = """<rss version="2.0"><channel><title>Harbour Courier</title>
<link>https://harbour.example/</link>
<item><title>Lights &amp; sails</title><link>https://harbour.example/1</link></item>
</channel></rss>"""


def preview(*arguments: object) -> Result:
    words = ["preview", "--no-open", *map(str, arguments)]
    return CliRunner().invoke(app, words)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "feeds"
    (folder / "sea").mkdir(parents=True)
    (folder / "sea" / "harbour.xml").write_text(RSS, "utf-8")
    return folder


def test_the_demo_newsletter_is_previewed_without_network(tmp_path: Path) -> None:
    result = preview(DEMO, "--out", tmp_path)

    assert result.exit_code == 0
    page = (tmp_path / "index.html").read_text("utf-8")
    assert 'width="600"' in page
    assert 'width="375"' in page
    assert "8 of 8 feeds" in page
    text = (tmp_path / "digest.txt").read_text("utf-8")
    assert text.splitlines()[0] == "The Havenmere Courant"
    # The paper's pictures have no server, so they come along.
    html = (tmp_path / "digest.html").read_text("utf-8")
    assert "demo.courant.example/images" not in html
    assert (tmp_path / "images" / "harbour.jpg").is_file()


def test_a_folder_of_feeds_takes_the_place_of_the_newsletters_own(
    tmp_path: Path, files: Path
) -> None:
    result = preview(DEMO, "--feeds", files, "--out", tmp_path / "out")

    assert result.exit_code == 0
    text = (tmp_path / "out" / "digest.txt").read_text("utf-8")
    assert "Lights & sails" in text
    assert "sea" in text


def test_a_feed_that_fails_is_named_and_the_rest_is_shown(tmp_path: Path, files: Path) -> None:
    (files / "sea" / "broken.xml").write_text("<html>no feed</html>", "utf-8")

    result = preview(DEMO, "--feeds", files, "--out", tmp_path / "out")

    assert result.exit_code == 3
    assert "sea/broken.xml: " in result.stderr
    assert "sea/broken.xml" in (tmp_path / "out" / "index.html").read_text("utf-8")


def test_a_preview_of_some_sections_leaves_the_others_out(tmp_path: Path) -> None:
    result = preview(DEMO, "--sections", "sport,Trade", "--out", tmp_path)

    lines = (tmp_path / "digest.txt").read_text("utf-8").splitlines()
    assert result.exit_code == 0
    assert "Sport" in lines
    assert lines.index("Sport") < lines.index("Trade")
    assert "Culture" not in lines


def test_a_section_that_is_not_there_is_wrong_input(tmp_path: Path) -> None:
    result = preview(DEMO, "--sections", "weather", "--out", tmp_path)

    assert result.exit_code == 2
    assert "unknown section 'weather'" in result.stderr


def test_nothing_to_show_is_a_failure_with_the_reason(tmp_path: Path, files: Path) -> None:
    (files / "sea" / "harbour.xml").write_text("<html>no feed</html>", "utf-8")

    result = preview(DEMO, "--feeds", files, "--out", tmp_path / "out")

    assert result.exit_code == 1
    assert "nothing to show" in result.stderr
    assert "Traceback" not in result.output


def test_too_little_news_is_said(tmp_path: Path, files: Path) -> None:
    text = DEMO.read_text("utf-8") + "\nminimum_articles: 5\n"
    (tmp_path / "strict.yaml").write_text(text, "utf-8")

    result = preview(tmp_path / "strict.yaml", "--feeds", files, "--out", tmp_path / "out")

    assert result.exit_code == 0
    assert "would be skipped" in result.stderr


def test_the_page_shows_strangers_words_as_words(tmp_path: Path, files: Path) -> None:
    feed = RSS.replace("Lights &amp; sails", "&lt;i&gt;Lights&lt;/i&gt; &amp;lt;script&amp;gt;")
    (files / "sea" / "harbour.xml").write_text(feed, "utf-8")

    preview(DEMO, "--feeds", files, "--out", tmp_path / "out")

    assert "<script" not in (tmp_path / "out" / "index.html").read_text("utf-8")
    assert "<script" not in (tmp_path / "out" / "digest.html").read_text("utf-8")


def test_a_feed_that_points_at_this_machine_is_refused_by_name(tmp_path: Path) -> None:
    text = DEMO.read_text("utf-8").replace("https://demo.courant.example", "http://127.0.0.1:9")
    (tmp_path / "local.yaml").write_text(text, "utf-8")

    result = preview(tmp_path / "local.yaml", "--out", tmp_path / "out")

    assert result.exit_code == 1
    assert "http://127.0.0.1:9/feeds/city.xml: " in result.stderr


def test_the_same_in_numbers(tmp_path: Path) -> None:
    result = preview(DEMO, "--json", "--sections", "sport")

    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["newsletter"] == "demo"
    assert [section["id"] for section in told["sections"]] == ["sport"]
    assert 0 < told["html_bytes"] < told["clip_bytes"]
    assert told["feeds"]["total"] == 8
    assert told["feeds"]["failed"] == []
    assert told["page"] is None
    assert {one["severity"] for one in told["findings"]} <= {"error", "warning", "note"}
    assert list(tmp_path.iterdir()) == []


def test_json_names_failed_feeds_and_the_page(tmp_path: Path, files: Path) -> None:
    (files / "sea" / "broken.xml").write_text("<html>no feed</html>", "utf-8")

    result = preview(DEMO, "--feeds", files, "--out", tmp_path / "out", "--json")

    assert result.exit_code == 3
    told = json.loads(result.stdout)
    assert [feed["name"] for feed in told["feeds"]["failed"]] == ["sea/broken.xml"]
    assert told["page"] == str(tmp_path / "out" / "index.html")


def test_sample_stories_stand_in_for_feeds_that_nobody_can_reach(tmp_path: Path) -> None:
    text = DEMO.read_text("utf-8").replace("demo.courant.example/feeds", "nowhere.invalid")
    (tmp_path / "far.yaml").write_text(text, "utf-8")

    result = preview(tmp_path / "far.yaml", "--sample", "--out", tmp_path / "out")

    assert result.exit_code == 0, result.output
    assert "Ferries return to the bay" in (tmp_path / "out" / "digest.txt").read_text("utf-8")
    mail = message_from_bytes((tmp_path / "out" / "digest.eml").read_bytes(), policy=policy.default)
    assert mail.get_body(("html",)) is not None


def test_samples_and_a_folder_are_two_things(tmp_path: Path, files: Path) -> None:
    result = preview(DEMO, "--sample", "--feeds", files, "--out", tmp_path / "out")

    assert result.exit_code == 2
    assert "not both" in result.stderr


def test_a_broken_template_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise TemplateBroken("a digest template must begin with cut('greeting') and cut('top')")

    monkeypatch.setattr("desk.preview.draft.compose_all", broken)

    result = preview(DEMO, "--out", tmp_path)

    assert result.exit_code == 1
    assert "must begin with" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.slow
def test_without_out_a_page_is_served_until_it_is_interrupted() -> None:
    command = [sys.executable, "-c", "from desk.cli import main; main()"]
    command += ["preview", str(DEMO), "--sample", "--no-open"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(  # noqa: S603 - our own interpreter and our own command
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as running:
        assert running.stderr
        said = running.stderr.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert url, said
        with urllib.request.urlopen(url[0], timeout=30) as answer:  # noqa: S310 - our own page
            assert b"The Havenmere Courant" in answer.read()
        running.send_signal(signal.SIGINT)
        _, rest = running.communicate(timeout=30)

    assert running.returncode == 0
    assert "closed" in rest
    assert "Traceback" not in rest


def test_a_port_that_is_taken_is_wrong_input() -> None:
    with PreviewServer() as server:
        result = preview(DEMO, "--sample", "--port", server.port)

    assert result.exit_code == 2
    assert f"port {server.port} of this machine is taken" in result.stderr
