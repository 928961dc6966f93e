"""Both sides of the demonstration are set up as two organisations would: keys, cards, one agreement signed by both."""

import stat
import time
from pathlib import Path

from marsad.app.sharing import GATEWAY, OUTBOX, Share, read_side
from marsad.app.two_sides import EAST, WEST, Happening, TwoSidesReport, gateways, prepare
from marsad.coordinate.agreement import refuse_unsigned, unsound


def test_each_side_has_its_own_secrets_and_the_agreement_that_both_signed(tmp_path: Path) -> None:
    sides = prepare(tmp_path)
    read = [read_side(Share(side.share), side.site) for side in sides]
    assert [each.ours.party_id for each in read] == [EAST, WEST]
    assert read[0].signed == read[1].signed
    refuse_unsigned(read[0].signed)
    assert list(unsound(read[0].signed.agreement)) == []
    assert read[0].secret != read[1].secret
    private = [path for side in sides for path in side.folder.rglob("*.pem")]
    assert len(private) == 4
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in private)


def test_the_gateways_are_processes_that_let_no_stranger_in_and_end_with_the_play(tmp_path: Path) -> None:
    sides = prepare(tmp_path)
    with gateways(sides) as running:
        deadline_s = time.monotonic() + 30
        while not all((side.share / GATEWAY / "spool.sqlite").exists() for side in sides):
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        assert [process.poll() for process in running] == [None, None]
    assert all(process.returncode is not None for process in running)
    assert not any((side.share / OUTBOX).exists() for side in sides)


def test_the_report_says_how_long_before_the_other_side_was_warned() -> None:
    report = TwoSidesReport(
        happenings=(Happening(time_s=9.3, side=WEST, text="alarm: Person"),), told={EAST: 1, WEST: 2},
        heard={EAST: 2, WEST: 1}, first_western_s=9.3, first_eastern_s=31.3, partner_alarm_s=9.8, warned_s=21.5,
        link_ms=(90.0, 110.0, 200.0),
    )  # fmt: skip
    assert report.exit_code == 0
    assert "warned 21.5 s before" in report.text()
    assert "110 ms in the middle, 200 ms at the most" in report.text()
