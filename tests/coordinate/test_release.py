"""One item at a time: what is told, and that nothing else is."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from release_chance import ANCHOR, NOW, NS, PARTIES, PLANE, SECRET, Chance, countersigned

from marsad.coordinate.offer import Offered, Thing
from marsad.coordinate.release import Shown, is_urgent, payload, read_release, release
from marsad.coordinate.terms import Terms
from marsad.kernel.agreement import Agreement, Narrowing, ReleaseGround
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.picture import Contributor, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState
from marsad.kernel.release import Cell, EmergencyAct, PatrolCorridor, PostWatch, Release, ReleaseRule, Withheld

ROOT = Path(__file__).resolve().parents[2]
RULE = ReleaseRule(
    rule_id="people", giver="east", taker="west", items=("track", "alarm", "incident", "sighting"),
    kinds=("person", "unknown"), lowest_priority="medium", near_line_m=3000, precision_m=250, sigma_m=250,
    time_precision_s=60, every_s=60, fields=("kind", "count", "heading"),
)  # fmt: skip
AGREEMENT = Agreement(
    agreement_id="line-7", version=1, parties=PARTIES, from_ns=NOW - 7200 * NS, until_ns=NOW + 86_400 * NS,  # type: ignore[arg-type]
    anchor=ANCHOR, protected_distance_m=0, block_m=1000, line=(PLANE.position(-9000, 0), PLANE.position(9000, 0)),
    rules=(RULE,),
)  # fmt: skip
TERMS = Terms(countersigned(AGREEMENT), "east", SECRET)


def terms(
    rule: ReleaseRule | None = None, acts: tuple[EmergencyAct, ...] = (), narrowing: Narrowing | None = None,
    **extra: object,
) -> Terms:  # fmt: skip
    """Terms of one rule changed here and there."""
    changed = replace(rule or RULE, **extra)
    signed = countersigned(replace(AGREEMENT, rules=(changed,)))
    return Terms(signed, "east", SECRET, acts=acts, narrowing=narrowing)


def track(east_m: float = 300, north_m: float = 400, sigma_m: float = 20, **extra: object) -> PictureTrack:
    ground = GroundState(
        position=PLANE.position(east_m, north_m), east_m=east_m, north_m=north_m, range_m=2500,
        covariance=GroundCovariance(east_m2=sigma_m**2, east_north_m2=0, north_m2=9),
    )  # fmt: skip
    plain: dict[str, Any] = {
        "track_id": "track-1", "origin": "east", "time_ns": NOW - 5 * NS, "status": "confirmed", "ground": ground,
        "velocity_covariance": ground.covariance, "existence": 0.99, "first_ns": NOW - 60 * NS, "seen_ns": NOW - 5 * NS,
        "kind": "person", "contributors": (Contributor(source_id="tower-3", origin="east", time_ns=NOW),),
    }  # fmt: skip
    return PictureTrack(**(plain | extra))


def offer(what: object, *, exercise: object = False, origins: tuple[str, ...] = ("east",)) -> Offered:
    return Offered(what=cast("Thing", what), origins=origins, exercise=cast("bool", exercise))


def reason(found: Release | Withheld) -> str:
    return found.reason if isinstance(found, Withheld) else f"told: {found}"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_random_items_under_random_rules_are_told_as_a_second_reading_of_the_rules_says() -> None:
    counted, wrong = loaded("release_leaks").compare(5000, seed=11)
    assert wrong == []
    told = {what.removesuffix(" told"): number for what, number in counted.items() if what.endswith(" told")}
    assert set(told) == {"track", "group", "alarm", "alert", "incident", "sighting", "patrol", "post"}
    assert counted["by emergency"] > 10
    assert counted["withheld"] > 2000


def test_a_person_near_the_line_is_told_as_a_cell_and_no_more() -> None:
    found = release(offer(track()), TERMS, NOW)
    assert isinstance(found, Release)
    assert found.cell == Cell(east=1, north=1, size_m=250)
    assert (found.sigma_m, found.kind, found.time_ns % (60 * NS), found.rule_id) == (250, "person", 0, "people")
    assert not any(word in payload(found) for word in (b"track-1", b"tower-3"))


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_what_the_partner_is_not_told_changes_nothing_of_what_it_is_told(seed: int) -> None:
    """Everything secret is made anew, the place moved within its cell: the bytes are the same."""
    chance = Chance(seed)
    rule = replace(RULE, kinds=("person",), fields=("kind", "heading"))
    one = track(existence=0.5)
    other = replace(
        chance.track("track-1"), origin="east", time_ns=one.time_ns + chance.whole(0, 20 * NS) - 20 * NS,
        status="confirmed", standing="unknown", kind="person", contributors=(), ground=replace(
            chance.ground_state(),
            covariance=GroundCovariance(east_m2=1, east_north_m2=0.5, north_m2=chance.real(1, 900)),
            position=PLANE.position(chance.real(250.01, 499.99), chance.real(250.01, 499.99), 900.0),
        ),
    )  # fmt: skip
    later = NOW - NOW % (60 * NS) + 59 * NS
    one = replace(one, time_ns=later - 21 * NS)
    other = replace(other, time_ns=later - chance.whole(0, 58 * NS))
    told = [release(offer(each), terms(rule), later) for each in (one, other)]
    assert isinstance(told[0], Release)
    assert isinstance(told[1], Release)
    assert payload(told[0]) == payload(told[1])


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (track(origin="west"), "not_ours"),
        (track(contributors=(Contributor(source_id="t", origin="west", time_ns=NOW),)), "not_ours"),
        (track(kind="animal"), "no_rule"),
        (track(kind="ghost"), "malformed"),
        (track(standing="own"), "own_patrol"),
        (track(standing="declared"), "declared"),
        (track(status="coasting"), "not_seen"),
        (track(status="lost"), "not_seen"),
        (track(status="tentative"), "not_confirmed"),
        (track(status="gone"), "malformed"),
        (track(sigma_m=251), "too_vague"),
        (track(sigma_m=float("nan")), "malformed"),
        (track(existence=float("nan")), "malformed"),
        (track(north_m=9000), "outside"),
        (track(time_ns=NOW + 1), "clock"),
        (track(time_ns=float(NOW)), "malformed"),
        (track(time_ns=NOW - 3601 * NS), "stale"),
        (track(time_ns=NOW - 7201 * NS), "before_agreement"),
        (track(ground=None), "malformed"),
        ("a track", "unknown_item"),
        (None, "unknown_item"),
    ],
)
def test_what_is_not_agreed_or_not_as_it_should_be_is_withheld(what: object, why: str) -> None:
    assert reason(release(offer(what), TERMS, NOW)) == why


def test_the_whole_of_a_cell_lies_in_the_area_or_nothing_of_it_is_told() -> None:
    assert reason(release(offer(track(north_m=2740)), terms(near_line_m=2900), NOW)).startswith("told")
    assert reason(release(offer(track(north_m=2760)), terms(near_line_m=2900), NOW)) == "outside"


@pytest.mark.parametrize(
    ("now_ns", "why"), [(NOW - 7201 * NS, "not_in_force"), (NOW + 86_400 * NS, "not_in_force"), (1.5e18, "clock")]
)
def test_outside_the_agreement_s_time_nothing_is_told(now_ns: float, why: str) -> None:
    assert reason(release(offer(track()), TERMS, cast("int", now_ns))) == why


def test_nobody_knows_where_it_came_from_and_so_it_is_withheld() -> None:
    assert reason(release(offer(track(), origins=()), TERMS, NOW)) == "origin_unknown"
    assert reason(release(offer(track(), origins=("east", "west")), TERMS, NOW)) == "not_ours"


def test_what_is_played_is_told_only_as_played() -> None:
    assert reason(release(offer(track(), exercise=True), TERMS, NOW)) == "exercise"
    assert reason(release(offer(track(), exercise=None), TERMS, NOW)) == "exercise"
    found = release(offer(track(), exercise=True), terms(exercises=True), NOW)
    assert isinstance(found, Release)
    assert found.exercise


def test_where_a_distance_is_protected_nothing_is_told_without_ground_and_only_in_its_blocks() -> None:
    rule = replace(RULE, hold_s=120, fields=("kind",))
    signed = countersigned(replace(AGREEMENT, protected_distance_m=250, rules=(rule,)))
    assert reason(release(offer(track()), Terms(signed, "east", SECRET), NOW)) == "off_ground"
    for blocks, expected in ((((0, 0),), "told"), (((1, 0),), "off_ground")):
        ground = ReleaseGround(block_m=1000, blocks=blocks)
        assert reason(release(offer(track()), Terms(signed, "east", SECRET, ground), NOW)).startswith(expected)


def test_names_are_the_same_for_the_same_thing_and_mean_nothing_without_the_secret() -> None:
    found = [release(offer(track(x)), TERMS, NOW) for x in (300, 800)]
    other = release(offer(track()), Terms(countersigned(AGREEMENT), "east", b"another secret" * 3), NOW)
    assert all(isinstance(each, Release) for each in (*found, other))
    assert found[0].thing_id == found[1].thing_id != other.thing_id  # type: ignore[union-attr]
    assert found[0].release_id != found[1].release_id  # type: ignore[union-attr]


@pytest.mark.parametrize(("east_m", "cell"), [(499, 1), (561, 1), (563, 2), (189, 1), (187, 0)])
def test_a_thing_is_told_as_having_left_a_cell_only_when_it_is_clearly_out(east_m: float, cell: int) -> None:
    shown = Shown(cell=Cell(east=1, north=1, size_m=250), episode="1")
    found = release(offer(track(east_m)), TERMS, NOW, shown)
    assert isinstance(found, Release)
    assert found.cell == Cell(east=cell, north=1, size_m=250)


def test_a_heading_is_that_from_cell_to_cell() -> None:
    shown = Shown(cell=Cell(east=0, north=0, size_m=250), episode="1")
    found = release(offer(track(600, 600)), TERMS, NOW, shown)
    assert isinstance(found, Release)
    assert found.heading == "ne"
    assert release(offer(track(600, 600)), TERMS, NOW).heading is None  # type: ignore[union-attr]


def test_what_cannot_be_told_far_off_any_more_goes_on_as_what_it_was() -> None:
    only = terms(kinds=("person",))
    shown = Shown(cell=Cell(east=1, north=1, size_m=250), kind="person", episode="1")
    assert reason(release(offer(track(kind="unknown")), only, NOW)) == "no_rule"
    found = release(offer(track(kind="unknown")), only, NOW, shown)
    assert isinstance(found, Release)
    assert found.kind == "person"


EXTREMES = (0, -1, 2**62, 2**63, 2**70, -(2**70), 1e308, -1e308, 1e-308, 0.1, "", "\ud800", "x" * 999, (), None)


@given(st.integers(0, 2**32), st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_stands_in_an_item_it_is_told_or_withheld(seed: int, data: st.DataObject) -> None:
    chance = Chance(seed)
    agreement = chance.agreement()
    ground = chance.ground(agreement)
    case = chance.case(chance.terms(agreement, ground), ground)
    what = case.offered.what
    for _ in range(2):
        what = changed(what, data, data.draw(st.sampled_from(EXTREMES)))
    found = release(case.offered._replace(what=what), case.terms, NOW)
    assert isinstance(found, Withheld) or read_release(payload(found)) == found


def changed(record: Any, data: st.DataObject, value: object) -> Any:  # noqa: ANN401 - any record, as it came
    """The record with one field, in it or in a record that it holds, changed to a value."""
    name = data.draw(st.sampled_from(record.__struct_fields__))
    held = getattr(record, name)
    inner = isinstance(held, msgspec.Struct) and data.draw(st.booleans())
    return replace(record, **{name: changed(held, data, value) if inner else value})


@pytest.mark.parametrize(
    "extra",
    [
        {"members": ("a track",)},
        {"members": [track()]},
        {"origins": ("east", 7)},
        {"clips": ("films/7.mp4",)},
        {"clips": ("c" * 64,) * 101},
    ],
)
def test_what_comes_with_an_item_is_looked_at_too(extra: dict[str, Any]) -> None:
    assert reason(release(offer(track())._replace(**extra), TERMS, NOW)) == "malformed"


def act(**extra: object) -> EmergencyAct:
    plain: dict[str, Any] = {
        "act_id": "act-1", "agreement_id": "line-7", "kind": "life_at_risk", "officer": "sergeant Karim",
        "reason": "somebody lies in the wadi", "subject_ids": ("track-1",), "from_ns": NOW - 60 * NS,
        "until_ns": NOW + 600 * NS,
    }  # fmt: skip
    return EmergencyAct(**(plain | extra))


def test_an_officer_s_act_tells_beyond_the_rules_marked_and_for_a_time() -> None:
    far = track(north_m=9000, status="coasting", sigma_m=300)
    found = release(offer(far), terms(acts=(act(),)), NOW)
    assert isinstance(found, Release)
    assert (found.basis, found.expires_ns, found.rule_id) == ("life_at_risk", NOW + 600 * NS, "")
    assert found.sigma_m == 400
    assert is_urgent(found)
    assert b"Karim" not in payload(found)
    assert reason(release(offer(far), terms(acts=(act(),)), NOW + 600 * NS)) == "not_seen"
    assert reason(release(offer(replace(far, track_id="track-2")), terms(acts=(act(),)), NOW)) == "not_seen"


@pytest.mark.parametrize(
    ("what", "exercise", "why"),
    [
        (track(origin="west", north_m=9000), False, "not_ours"),
        (track(standing="own"), False, "own_patrol"),
        (track(north_m=9000), True, "exercise"),
        (track(north_m=9000, kind="ghost"), False, "malformed"),
    ],
)
def test_no_act_tells_what_is_not_ours_not_real_or_our_own(what: PictureTrack, exercise: bool, why: str) -> None:
    assert reason(release(offer(what, exercise=exercise), terms(acts=(act(),)), NOW)) == why


def test_a_handover_is_at_the_line() -> None:
    handover = (act(kind="handover_at_line"),)
    assert reason(release(offer(track(north_m=250, kind="animal")), terms(acts=handover), NOW)).startswith("told")
    assert reason(release(offer(track(north_m=600, kind="animal")), terms(acts=handover), NOW)) == "outside"


@pytest.mark.parametrize(
    "extra",
    [
        {"officer": ""},
        {"officer": " "},
        {"reason": "because"},
        {"until_ns": NOW + 7 * 3600 * NS},
        {"until_ns": NOW - 61 * NS},
        {"kind": "handover_at_line", "until_ns": NOW + 3600 * NS},
        {"kind": "curiosity"},
        {"agreement_id": "line-8"},
        {"subject_ids": ()},
    ],
)
def test_an_act_without_officer_reason_or_end_is_none(extra: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        terms(acts=(act(**extra),))


def test_a_stop_ends_the_acts_before_it_and_allows_new_ones() -> None:
    stop = Narrowing(agreement_id="line-7", version=1, officer="Leyla", reason="a leak", time_ns=NOW - 30 * NS)
    assert reason(release(offer(track()), terms(narrowing=stop), NOW)) == "no_rule"
    assert reason(release(offer(track()), terms(narrowing=stop, acts=(act(),)), NOW)) == "no_rule"
    anew = terms(narrowing=stop, acts=(act(from_ns=NOW - 10 * NS),))
    assert reason(release(offer(track()), anew, NOW)).startswith("told")


def test_a_patrol_is_a_corridor_without_its_name_and_a_post_one_that_both_know() -> None:
    rule = replace(
        RULE, items=("patrol", "post"), precision_m=1000, sigma_m=1000, near_line_m=2500, posts=("post-1",)
    )  # fmt: skip
    way = (PLANE.position(-1500, 200), PLANE.position(1500, 900))
    patrol = PatrolCorridor(patrol_id="falcon", points=way, time_ns=NOW, from_ns=NOW + 1, until_ns=NOW + 7201 * NS)
    found = release(offer(patrol), terms(rule), NOW)
    assert isinstance(found, Release)
    assert [(cell.east, cell.north) for cell in found.cells] == [(-2, 0), (-1, 0), (0, 0), (1, 0)]
    assert (found.from_ns, found.until_ns) == (NOW - NOW % (60 * NS), NOW - NOW % (60 * NS) + 7260 * NS)
    assert b"falcon" not in payload(found)
    for post, expected in (("post-1", "told"), ("post-2", "not_shared")):
        watch = PostWatch(post_id=post, watched=True, time_ns=NOW, from_ns=NOW, until_ns=NOW + NS)
        assert reason(release(offer(watch), terms(rule), NOW)).startswith(expected)


def test_a_way_so_long_that_it_would_not_fit_is_not_told() -> None:
    rule = replace(RULE, items=("patrol",), precision_m=500, sigma_m=500, near_line_m=9000)
    way = tuple(PLANE.position(500 * k - 8500 + 1, 8500 * (-1) ** k) for k in range(35))
    for points, why in ((way[:20], "told"), (way, "too_long")):
        patrol = PatrolCorridor(patrol_id="p", points=points, time_ns=NOW, from_ns=NOW, until_ns=NOW + NS)
        found = release(offer(patrol), terms(rule), NOW)
        assert reason(found).startswith(why)
        assert isinstance(found, Withheld) or read_release(payload(found)) == found


def test_a_release_reads_as_it_was_written_and_nothing_else_is_read() -> None:
    found = release(offer(track()), TERMS, NOW)
    assert isinstance(found, Release)
    assert read_release(payload(found)) == found
    strange = msgspec.msgpack.encode(msgspec.to_builtins(found) | {"camera_id": "tower-3"})
    for data in (strange, b"", payload(found)[:-1], b"x" * 70_000, msgspec.msgpack.encode({"item": "ghost"})):
        with pytest.raises(InputError):
            read_release(data)
