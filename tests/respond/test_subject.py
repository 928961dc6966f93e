"""Who is who in the picture, and what else they are called."""

import pytest

from marsad.kernel.picture import Contributor, Picture, PictureGroup, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.track import Count, Kind
from marsad.respond.subject import NS, Subject, names_of, present_in, subjects_of

RATE = GroundCovariance(east_m2=0.01, east_north_m2=0.0, north_m2=0.01)
GROUND = GroundState(
    position=Position(latitude_deg=34.0, longitude_deg=41.0), east_m=1.0, north_m=2.0, covariance=RATE, range_m=0.0
)
NOW_NS = 1000 * NS


def track(name: str, seen_s: int = 1000, **more: object) -> PictureTrack:
    told = {
        "track_id": name, "origin": "own", "time_ns": NOW_NS, "status": "confirmed", "ground": GROUND,
        "velocity_covariance": RATE, "existence": 0.9, "first_ns": 0, "seen_ns": seen_s * NS, "confirmed_ns": 1,
    }  # fmt: skip
    return PictureTrack(**{**told, **more})  # type: ignore[arg-type]  # the fields above


def group(name: str, *members: str, joined: tuple[str, ...] = ()) -> PictureGroup:
    return PictureGroup(
        group_id=name, time_ns=NOW_NS, first_ns=0, members=members, count=Count(best=2, low=2, high=2), kind="group",
        ground=GROUND, velocity_covariance=RATE, joined=joined,
    )  # fmt: skip


def test_groups_and_who_is_in_none_are_subjects_and_who_is_lost_is_none() -> None:
    shown = Picture(
        time_ns=NOW_NS,
        tracks=(track("T1"), track("T2", 990), track("T3"), track("T4", status="lost")),
        groups=(group("G1", "T1", "T2", "T4"), group("G2", "T4")),
    )
    assert [subject.subject_id for subject in subjects_of(shown)] == ["G1", "T3"]
    present = present_in(shown)
    assert set(present) == {"G1", "T3"}
    assert (present["G1"].time_ns, present["G1"].ground, present["G1"].box) == (NOW_NS, GROUND, None)


def test_a_subject_goes_by_its_members_what_it_was_found_to_be_and_what_cameras_call_it() -> None:
    lately = Contributor(source_id="C1", origin="own", time_ns=NOW_NS - 5 * NS, label=7)
    long_ago = Contributor(source_id="C1", origin="own", time_ns=NOW_NS - 500 * NS, label=3)
    shown = Picture(
        time_ns=NOW_NS,
        tracks=(track("T1", formerly=("T0",), contributors=(lately, long_ago)), track("T2"), track("T5")),
        groups=(group("G2", "T1", "T2", joined=("G1",)),),
    )
    assert names_of(shown) == {"T1": "G2", "T0": "G2", "T2": "G2", "G1": "G2", "C1/7": "G2"}


def test_nobody_takes_the_name_of_another_who_is_there() -> None:
    shown = Picture(time_ns=NOW_NS, tracks=(track("T1", formerly=("T2",)), track("T2")))
    assert names_of(shown) == {}


def members(*kinds: tuple[Kind, float]) -> Subject:
    """A group of members of these kinds, as the picture has it: people, unless all are animals."""
    tracks = tuple(
        track(f"T{number}", kind=kind, kind_confidence=sure, group_id="G") for number, (kind, sure) in enumerate(kinds)
    )
    return Subject(subject_id="G", whole=group("G", *(each.track_id for each in tracks)), members=tracks)


def test_what_is_not_told_apart_in_a_herd_is_of_the_herd() -> None:
    assert members(("animal", 0.95), ("unknown", 0.0), ("group", 0.5)).kind == "animal"
    assert members(("animal", 0.6), ("unknown", 0.0)).kind == "group"
    assert members(("unknown", 0.0), ("unknown", 0.0)).kind == "group"


def test_somebody_among_a_herd_is_somebody_and_the_herd_is_not_counted() -> None:
    shepherd = members(("animal", 0.95), ("animal", 0.9), ("person", 0.8))
    assert shepherd.kind == "group"
    assert shepherd.count == Count(best=1, low=1, high=1)


@pytest.mark.parametrize("kind", ["person", "group", "vehicle"])
def test_no_animal_hides_those_who_are_told_surely(kind: Kind) -> None:
    assert members(("animal", 1.0), (kind, 0.6)).kind != "animal"
