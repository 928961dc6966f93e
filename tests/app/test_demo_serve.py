"""The demonstration's station when its story is played again and again, and when it is started anew."""

import asyncio
import contextlib
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from marsad.adapters.sqlite import SqliteLogReader
from marsad.app import demo_serve
from marsad.app.config import load_site
from marsad.app.demo_serve import Theatre, _begin_ns, _rounds
from marsad.app.station import LOG, Place
from marsad.kernel.event import PatrolPosition

S = 10**9
BEGIN = 1_786_000_000 * S
SITE = """
name = "No cameras"
[origin]
latitude_deg = 34.46
longitude_deg = 40.95
[[patrols]]
patrol_id = "patrol-1"
means = "vehicle"
persons = 4
[[patrols]]
patrol_id = "patrol-2"
means = "foot"
persons = 3
home = { latitude_deg = 34.451887, longitude_deg = 40.947280 }
"""


async def play(site_file: Path, out: Path, begin_ns: int, rounds: int) -> list[int]:
    """When each round began, until so many had, and the patrols had a while to report in the last."""
    theatre = Theatre(Place(out=out, port=0, quota_gb=0.1), load_site(site_file), site_file, begin_ns)
    await theatre.open()
    begun = [theatre.begin_ns]
    tasks = [
        asyncio.create_task(each)
        for each in (theatre.play(), theatre.report(), _rounds(theatre, Console(file=StringIO()), loop=True))
    ]
    try:
        while len(begun) < rounds or theatre.story() < begun[-1] + S // 2:
            await asyncio.sleep(0.05)
            if theatre.begin_ns != begun[-1]:
                begun.append(theatre.begin_ns)
            assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await theatre.close()
    return begun


def test_a_looped_story_and_one_started_anew_go_on_in_the_same_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_serve, "PAUSE_S", 3.0)
    site_file, out = tmp_path / "al-qaim.toml", tmp_path / "console"
    site_file.write_text(SITE, encoding="utf-8")
    first = asyncio.run(play(site_file, out, BEGIN, rounds=2))
    assert first == sorted(first)
    assert len(first) == 2
    again_ns = _begin_ns(out / LOG, BEGIN)
    assert again_ns > first[-1]
    asyncio.run(play(site_file, out, again_ns, rounds=1))
    with SqliteLogReader(out / LOG) as log:
        log.verify()
        said = [stored.event for stored in log.read() if isinstance(stored.event, PatrolPosition)]
    for patrol_id in ("patrol-1", "patrol-2"):
        times = [each.time_ns for each in said if each.patrol_id == patrol_id]
        assert times == sorted(set(times))
        for since_ns, until_ns in ((first[0], first[1]), (first[1], again_ns), (again_ns, again_ns + 60 * S)):
            assert any(since_ns <= time_ns < until_ns for time_ns in times)
