"""courant local: a process of its own that prints what another one needs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-c", "from desk.cli import main; main()"]


@pytest.mark.slow
def test_another_process_works_on_the_stack_it_runs(tmp_path: Path) -> None:
    home = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT}"}
    with subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "local", "--port", "0", "--mails", str(tmp_path / "mails"), "--seconds", "60"],
        env=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as local:
        assert local.stdout is not None
        lines = [local.stdout.readline() for _ in range(5)]
        exports = dict(
            line.removeprefix("export ").strip().split("=", 1)
            for line in lines
            if line.startswith("export ")
        )
        applied = subprocess.run(  # noqa: S603 - as above
            [*COMMAND, "apply", str(ROOT / "newsletters" / "demo.yaml"), "--yes"],
            env=home | exports,
            capture_output=True,
            text=True,
            check=False,
        )
        # Not SIGINT: who runs the tests in the background has it ignored, here and in the child.
        local.send_signal(signal.SIGTERM)
        try:
            _, said = local.communicate(timeout=60)
        finally:
            local.kill()

    assert exports["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert applied.returncode == 0, applied.stderr
    assert "1 new" in applied.stdout
    assert local.returncode == 0, said
    assert "Traceback" not in said


def test_a_taken_port_is_a_sentence(tmp_path: Path) -> None:
    import socket

    from typer.testing import CliRunner

    from desk.cli import app

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(app, ["local", "--port", port, "--mails", str(tmp_path)])

    assert result.exit_code == 2
    assert f"port {port} on 127.0.0.1 is taken" in result.stderr
