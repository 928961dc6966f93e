"""Releases as Cursor on Target events: what the schema asks for, and not a word more than was told."""

from datetime import datetime
from typing import get_args
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.adapters.cot import UNKNOWN_M, cot_deletion, cot_event, cot_ping, cot_type, has_place, uid_of
from marsad.coordinate.grid import frame_at
from marsad.kernel.position import Position
from marsad.kernel.release import Cell, Field, Heads, Item, Release
from marsad.kernel.track import Kind

ANCHOR = Position(latitude_deg=34.0, longitude_deg=41.0)
FRAME = frame_at(ANCHOR)
TOLD_NS = 1_790_000_040_000_000_000
STALE_NS = TOLD_NS + 300_000_000_000


def told(**changed: object) -> Release:
    made = Release(
        release_id="0f" * 16, agreement_id="night", version=3, rule_id="people", giver="east", taker="west",
        item="track", thing_id="ab" * 16, time_ns=TOLD_NS, cell=Cell(east=0, north=4, size_m=250), sigma_m=250,
        kind="person",
    )  # fmt: skip
    return msgspec.structs.replace(made, **changed)


def event(released: Release) -> ET.Element:
    return ET.fromstring(cot_event(released, FRAME, STALE_NS))  # noqa: S314 - our own words


def test_an_event_has_what_the_schema_asks_for() -> None:
    found = event(told())
    assert found.tag == "event"
    assert found.attrib == {
        "version": "2.0", "uid": f"marsad.east.{'ab' * 16}", "type": "a-u-G", "how": "m-f", "opex": "o",
        "time": "2026-09-21T14:14:00.000Z", "start": "2026-09-21T14:14:00.000Z", "stale": "2026-09-21T14:19:00.000Z",
    }  # fmt: skip
    assert [each.tag for each in found] == ["point", "detail"]
    point = found[0].attrib
    assert [*point] == ["lat", "lon", "hae", "ce", "le"]
    assert float(point["hae"]) == float(point["le"]) == UNKNOWN_M
    # The middle of the cell: 125 m east and 1125 m north of the anchor, by the lengths of a degree on the ellipsoid.
    assert abs((float(point["lat"]) - 34) * 110_922 - 1125) < 2
    assert abs((float(point["lon"]) - 41) * 92_385 - 125) < 2


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({}, "a-u-G"),
        ({"kind": None}, "a-u-G"),
        ({"kind": "unknown"}, "a-u-G"),
        ({"kind": "group"}, "a-u-G"),
        ({"kind": "vehicle"}, "a-u-G-E-V"),
        ({"kind": "animal"}, "a-n-G"),
        ({"item": "alarm"}, "a-u-G"),
        ({"item": "incident", "kind": None}, "b-m-p-s-m"),
        ({"item": "patrol", "kind": None}, "a-f-G-U-C"),
        ({"item": "post", "kind": None}, "a-f-G-I"),
    ],
)
def test_what_is_not_known_is_unknown_and_ours_is_ours(changed: dict[str, object], kind: str) -> None:
    assert cot_type(told(**changed)) == kind


def test_nobody_is_called_a_foe() -> None:
    """Of all letters for whose side somebody is on there are u, n and f: no h, no s, no j, no k."""
    for item in get_args(Item):
        for kind in (*get_args(Kind), None):
            assert cot_type(told(item=item, kind=kind))[:4] in {"a-u-", "a-n-", "a-f-", "b-m-"}


def test_the_circle_holds_the_cell_and_the_sigma() -> None:
    assert float(event(told())[0].attrib["ce"]) == 250
    wide = told(sigma_m=100)
    assert float(event(wide)[0].attrib["ce"]) == pytest.approx(250 / 2**0.5, abs=0.1)
    corridor = told(
        item="patrol", cell=None, kind=None, sigma_m=None,
        cells=tuple(Cell(east=east, north=0, size_m=500) for east in range(-2, 2)),
    )  # fmt: skip
    point = event(corridor)[0].attrib
    assert float(point["ce"]) == pytest.approx((1000**2 + 250**2) ** 0.5, abs=0.1)
    assert abs((float(point["lat"]) - 34) * 110_922 - 250) < 2


def test_a_post_that_both_know_by_name_has_no_place_to_draw() -> None:
    assert not has_place(told(item="post", cell=None))
    assert has_place(told())


def test_an_exercise_says_so_wherever_it_is_read() -> None:
    found = event(told(exercise=True))
    assert found.get("opex") == "e"
    assert found.findtext("detail/remarks", "").startswith("EXERCISE EXERCISE EXERCISE.")
    contact = found.find("detail/contact")
    assert contact is not None
    assert contact.get("callsign", "").startswith("EXERCISE ")


def test_its_remarks_say_whose_word_it_is_and_all_that_was_told() -> None:
    alarm = told(
        item="alarm", alarm_rule="line_crossing", priority="high", direction="inward", heads=Heads(low=2, high=4),
        heading="sw", basis="life_at_risk", expires_ns=STALE_NS,
    )  # fmt: skip
    words = event(alarm).findtext("detail/remarks", "")
    for word in (
        "From east, agreement night version 3.",
        "line crossing",
        "high",
        "inward",
        "2 to 4",
        "sw",
        "life at risk",
    ):
        assert word in words
    assert "50 or more" in event(told(heads=Heads(low=50))).findtext("detail/remarks", "")
    assert "many 1." in event(told(heads=Heads(low=1, high=1))).findtext("detail/remarks", "")


@given(
    word=st.text(min_size=1, max_size=40),
    east=st.integers(-800, 800),
    north=st.integers(-800, 800),
    size_m=st.sampled_from([10, 250, 1000]),
)
def test_any_word_and_any_cell_make_an_event_that_is_read_back(word: str, east: int, north: int, size_m: int) -> None:
    """Names are letters and digits by their own rule; were they not, the event would still be one event."""
    clean = "".join(mark for mark in word if mark.isprintable())
    made = told(thing_id=clean, cell=Cell(east=east, north=north, size_m=size_m))
    data = cot_event(made, FRAME, STALE_NS)
    assert data.count(b"<event") == 1
    assert ET.fromstring(data).get("uid") == f"marsad.east.{clean}"  # noqa: S314 - our own words


def test_nothing_that_points_at_a_camera_goes_out_even_where_it_was_told() -> None:
    """Shape, speed, path and certainty have no place on a map of cells; nor have our names of rules and releases."""
    plain, full = (
        told(), told(velocity_m_s=(1.25, -7.75), path=(Cell(east=77, north=78, size_m=250),), certainty=0.75,
                     clips=("c1" * 32,)),
    )  # fmt: skip
    assert cot_event(plain, FRAME, STALE_NS) == cot_event(full, FRAME, STALE_NS)
    assert "velocity" in get_args(Field)


def test_the_same_thing_keeps_its_name_and_a_deletion_names_it() -> None:
    later = told(time_ns=TOLD_NS + 60_000_000_000, cell=Cell(east=1, north=4, size_m=250), release_id="1e" * 16)
    assert uid_of(told()) == uid_of(later)
    emptied, deletion = (ET.fromstring(line) for line in cot_deletion(told(), STALE_NS).splitlines())  # noqa: S314
    assert emptied.get("uid") == uid_of(told())
    assert emptied[0].attrib["lat"] == "0.000000"
    begun, stale = (datetime.fromisoformat(str(emptied.get(name))) for name in ("start", "stale"))
    assert (stale - begun).total_seconds() == 1
    assert deletion.get("type") == "t-x-d-d"
    link = deletion.find("detail/link")
    assert link is not None
    assert link.get("uid") == uid_of(told())
    assert deletion.find("detail/__forcedelete") is not None
    assert b"person" not in cot_deletion(told(), STALE_NS)


def test_a_ping_says_nothing_but_who_asks() -> None:
    ping = ET.fromstring(cot_ping("east", TOLD_NS))  # noqa: S314 - our own words
    assert ping.get("type") == "t-x-c-t"
    assert [each.tag for each in ping] == ["point"]
