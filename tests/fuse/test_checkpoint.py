from typing import get_type_hints

import msgspec
import numpy as np
import pytest

from marsad.fuse.checkpoint import _ROW_SHAPES, _SHAPES, _UNTOLD, VERSION, Kept, packed, unpacked
from marsad.fuse.company import Company, Remembered, _Gap
from marsad.fuse.fuser import Fuser, FuseSettings, Mark, State
from marsad.fuse.hypotheses import Rows
from marsad.fuse.sensor import PlaceSensor, Reporting
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.error import InputError
from marsad.kernel.measurement import GroundFix, Look, Measurement
from marsad.kernel.position import GroundCovariance, Position

S = 10**9
EPOCH_NS = 1_533_686_400 * S
COVER = GroundCovariance(east_m2=9.0, east_north_m2=1.0, north_m2=4.0)
NAMES = ["post", "patrol-1"]
MORE = [*NAMES, "radar"]


def looks(first: int, last: int) -> list[Look]:
    rng = np.random.default_rng(7)
    out = []
    for k in range(last):
        made = []
        for number in range(3):
            east, north = 100.0 * number + 1.2 * k + rng.normal(0, 3), 50.0 - 0.8 * k + rng.normal(0, 2)
            fix = GroundFix(east_m=east, north_m=north, covariance=COVER)
            made.append(Measurement(fix=fix, label=number, kind="person", kind_confidence=0.7))
        out.append(Look(source_id="post", time_ns=EPOCH_NS + k * S, measurements=tuple(made)))
    return out[first:]


def fuser(start: Mark | None = None, names: list[str] = NAMES, late_s: float = 60.0) -> Fuser:
    reporting = Reporting(clock_sigma_s=0.1)
    return Fuser([PlaceSensor(name, reporting=reporting) for name in names], FuseSettings(late_s=late_s), start=start)


def kept(one: Fuser, company: Remembered | None = None) -> bytes:
    return packed(Kept(one.settled, company or Remembered()), list(one.sensors))


def same(one: State, other: State) -> bool:
    pairs = [*zip(one.rows, other.rows, strict=True), *zip(one, other, strict=True)]
    arrays = [(a, b) for a, b in pairs if isinstance(a, np.ndarray) and isinstance(b, np.ndarray)]
    return one.lives == other.lives and all(a.tobytes() == b.tobytes() for a, b in arrays)


@pytest.mark.parametrize("late_s", [0.0, 5.0, 60.0])
def test_what_is_settled_and_the_looks_since_make_all_that_is_known(late_s: float) -> None:
    whole = fuser(late_s=late_s)
    for look in looks(0, 30):
        whole.update([look])
    before = fuser(late_s=late_s)
    for look in looks(0, 12):
        before.update([look])
    data = kept(before)
    mark, _ = unpacked(data, NAMES, fuser().state)
    after = fuser(mark, late_s=late_s)
    after.update([look for look in looks(0, 12) if (look.time_ns, look.source_id) > mark[0]])
    assert same(after.state, before.state)
    for look in looks(12, 30):
        after.update([look])
    assert same(after.state, whole.state)


def test_no_look_may_come_before_what_is_settled() -> None:
    made = fuser(late_s=5.0)
    made.update(looks(0, 12))
    settled_ns = made.settled[0][0]
    assert EPOCH_NS + 4 * S < settled_ns < EPOCH_NS + 6 * S
    held = made.state
    late = Look(source_id="patrol-1", time_ns=settled_ns - 1, measurements=())
    made.update([late])
    assert made.too_late == [late]
    assert made.state is held


def test_a_look_at_the_settled_moment_by_another_source_still_counts() -> None:
    """Sources that look at one moment are told apart by their names, across a restart too."""
    fix = Measurement(fix=GroundFix(east_m=0.0, north_m=50.0, covariance=COVER), label=0)
    whole = fuser(late_s=0.0)
    heard = [
        Look(source_id=name, time_ns=EPOCH_NS + k * S, measurements=(fix,)) for k in range(4) for name in NAMES[::-1]
    ]
    for look in heard:
        whole.update([look])
    before = fuser(late_s=0.0)
    for look in heard[:5]:
        before.update([look])
    mark = before.settled
    assert mark[0] == (EPOCH_NS + S, "patrol-1")
    after = fuser(unpacked(kept(before), NAMES, fuser().state).mark, late_s=0.0)
    after.update([look for look in heard[:5] if (look.time_ns, look.source_id) > mark[0]])
    after.update(heard[5:])
    assert after.too_late == []
    assert same(after.state, whole.state)


def test_a_look_that_is_known_is_known_with_whatever_it_brought() -> None:
    made = fuser()
    (look,) = looks(3, 4)
    assert not made.knows(look)
    made.update([look])
    assert made.knows(look)
    part = msgspec.structs.replace(look, measurements=look.measurements[:1], received_ns=5)
    assert made.knows(part)
    more = Measurement(fix=GroundFix(east_m=0.0, north_m=0.0, covariance=COVER), label=9)
    assert not made.knows(msgspec.structs.replace(look, measurements=(more,)))


def test_new_sources_are_those_of_which_nothing_is_known() -> None:
    made = fuser()
    made.update(looks(0, 12))
    fresh = fuser(names=MORE).state
    mark, _ = unpacked(kept(made), MORE, fresh)
    held = made.settled[1]
    assert mark[1].lives == held.lives
    assert mark[1].told_ns.shape == (len(held.lives), 3)
    assert (mark[1].told_ns[:, 2] == 0).all()
    assert (mark[1].label[:, 2] == -1).all()
    assert np.isnan(mark[1].rows.left[:, 2]).all()
    np.testing.assert_array_equal(mark[1].bias_spread, np.diag(np.diag(mark[1].bias_spread)))
    assert mark[1].bias_spread[2, 2] == fresh.bias_spread[2, 2]
    after = fuser(mark, MORE)
    after.update([*looks(0, 30)[12:], Look(source_id="radar", time_ns=EPOCH_NS + 31 * S)])
    assert len(after.state.looked_ns) == 3


def test_a_company_is_kept_as_it_was() -> None:
    remembered = Remembered(
        time_ns=5,
        since_s=((("a", "b"), 1.5),),
        linked=((("b", "c"), 0.0),),
        same=((("a", "d"), 2.0),),
        met_ns=((("b", "c"), 4),),
        gaps=((("b", "c"), _Gap((1.5, -0.1), (0.2, 0.01, 0.3), 2.5)),),
        used=("group-a",),
    )
    assert unpacked(kept(fuser(), remembered), NAMES, fuser().state).company == remembered


def altered(data: bytes, **changes: object) -> bytes:
    return msgspec.msgpack.encode({**msgspec.msgpack.decode(data), **changes})


def test_what_was_kept_otherwise_or_is_damaged_is_refused() -> None:
    made = fuser(late_s=0.0)
    made.update(looks(0, 3))
    data, fresh = kept(made), fuser().state
    raw = msgspec.msgpack.decode(data)
    unpacked(altered(data), NAMES, fresh)
    for bad in (b"", data[:-5], data + b"x", altered(data, lives=3), altered(data, mark="a")):
        with pytest.raises(InputError, match="cannot be read"):
            unpacked(bad, NAMES, fresh)
    with pytest.raises(InputError, match="of the sources post, patrol-1; those to go on with are post, patrol-2"):
        unpacked(data, ["post", "patrol-2"], fresh)
    with pytest.raises(InputError, match="of the sources"):
        unpacked(data, ["post"], fresh)
    with pytest.raises(InputError, match=f"of version 9, this software reads {VERSION}"):
        unpacked(altered(data, version=9), NAMES, fresh)
    fewer = {name: array for name, array in raw["arrays"].items() if name != "unseen"}
    other = {**raw["arrays"], "unseen": raw["arrays"]["born_ns"]}
    short = {**raw["rows"], "weight": ["<f8", [2], b"0"]}
    for change in ({"arrays": fewer}, {"arrays": other}, {"rows": short}, {"lives": []}):
        with pytest.raises(InputError, match="does not hold together"):
            unpacked(altered(data, **change), NAMES, fresh)


def test_everything_that_a_state_holds_is_kept() -> None:
    """A state that grows a part must say what that part is of."""
    assert set(_SHAPES) | {"time_ns", "rows", "lives"} == set(get_type_hints(State))
    assert set(_ROW_SHAPES) == set(get_type_hints(Rows))
    assert set(_UNTOLD) == {name for name, axes in _SHAPES.items() if axes == "TS"}


def test_everything_that_a_company_holds_is_remembered() -> None:
    company = Company(EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0)))
    assert set(vars(company)) - {"settings", "_frame"} == {f"_{name}" for name in Remembered._fields}
