"""What the page on the interface shows is run as it stands there; and what is made from the code has not drifted."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.console.conftest import PASSWORD, Console


def block(root: Path, language: str) -> str:
    page = (root / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return str(text)


def test_what_the_page_says_to_type_works(console: Console, root: Path, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        assert not os.environ.get("CI"), "curl is missing"
        pytest.skip("curl is missing")
    environment = {**os.environ, "DESK": console.url, "PASSWORD": PASSWORD}
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block(root, "sh")], cwd=tmp_path, env=environment, check=True, timeout=60
    )
    assert json.loads((tmp_path / "session.json").read_text())["name"] == "omar"
    assert (
        json.loads((tmp_path / "done.json").read_text())["events"][0]["event"]["decision"] == "radio check, all posts"
    )
    events = json.loads((tmp_path / "events.json").read_text())
    assert [each["event"]["type"] for each in events] == ["officer_decision"]


def test_the_programs_example_resumes(console: Console, root: Path) -> None:
    client = console.enter("omar")
    environment = {**os.environ, "DESK": console.url, "COOKIE": f"marsad={client.cookies['marsad']}"}
    done = subprocess.run(
        [sys.executable, "-c", block(root, "python")], env=environment, check=True, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["hello", "pulse"]


def test_the_pages_types_are_those_of_the_interface(root: Path, tmp_path: Path) -> None:
    web = root / "web"
    if not (web / "node_modules").exists():
        assert not os.environ.get("CI"), "run `make web`"
        pytest.skip("run `make web`")
    asked = json.loads((web / "package.json").read_text(encoding="utf-8"))["scripts"]["api"]
    command = asked.replace("src/api/schema.ts", str(tmp_path / "schema.ts"))
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(
        ["node", "node_modules/openapi-typescript/bin/cli.js", *command.split()[1:]],
        cwd=web, env=environment, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    made = (tmp_path / "schema.ts").read_text(encoding="utf-8")
    assert made == (web / "src" / "api" / "schema.ts").read_text(encoding="utf-8"), "run `npm run api` in web/"
