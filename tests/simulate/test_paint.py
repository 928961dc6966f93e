"""Actors in a picture, held against a picture made by brute force."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.geo.ground import CameraView
from marsad.simulate import paint
from marsad.simulate.paint import Hiding, Painter, Shift

MakeView = Callable[..., CameraView]

WIDTH, HEIGHT, MARGIN = 160, 128, 8
STILL = Shift(0.0, 0.0, 0.0)
AIR = 285.0, 0.0001
FAR = 1e9
BLUR_PX = 0.75


class Things(NamedTuple):
    """Actors to be painted, and where."""

    limbs: np.ndarray
    first: np.ndarray
    feet: np.ndarray
    covers: np.ndarray


def things(*bodies: tuple[np.ndarray, tuple[float, float, float]], cover: float = 1.0) -> Things:
    """Actors at places, their limbs given from where they stand."""
    limbs = [body + np.array([*foot, *foot, 0, 0]) for body, foot in bodies]
    return Things(
        np.concatenate(limbs),
        np.cumsum([0, *(len(each) for each in limbs)]),
        np.array([foot for _, foot in bodies]),
        np.full(len(bodies), cover),
    )


def hiding(kelvin: np.ndarray | None = None, **other: np.ndarray) -> Hiding:
    """Nothing before the actors, unless something is given; arrays are of the picture without its margin."""
    shape = HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN
    parts = {"range_m": FAR, "slack_m": 0.0, "veil": 0.0, "veil_range_m": FAR}
    arrays = {
        name: np.pad(other[name].astype(np.float32), MARGIN, mode="edge")
        if name in other
        else np.full(shape, value, np.float32)
        for name, value in parts.items()
    }
    behind = np.zeros(shape, np.float32) if kelvin is None else np.pad(kelvin, MARGIN, mode="edge")
    sums, squares = paint.running_sums(behind)
    return Hiding(**arrays, sums=sums, squares=squares, margin=MARGIN)


PERSON = np.array(
    [
        [0.0, -0.1, 0.06, 0.0, -0.1, 0.85, 0.07, 299.0],
        [0.25, 0.1, 0.06, 0.0, 0.1, 0.85, 0.07, 299.0],
        [0.0, -0.25, 0.75, 0.0, -0.2, 1.4, 0.05, 301.0],
        [0.0, 0.0, 0.9, 0.0, 0.0, 1.4, 0.16, 303.0],
        [0.0, 0.0, 1.6, 0.0, 0.0, 1.64, 0.1, 306.0],
    ]
)


def brute(
    view: CameraView, all_: Things, kelvin: np.ndarray, hide: Hiding, shift: Shift, sub: int = 24
) -> list[np.ndarray]:
    """Pictures behind the lens with none, one, two ... of the actors painted, the farthest first."""
    ends = all_.limbs[:, :6].reshape(-1, 3)
    x, y, _ = view.project(*ends.T)
    focal = math.sqrt(view.optics.focal_x_px * view.optics.focal_y_px)
    depth = ((ends - view.origin) @ view.axes[2]).reshape(-1, 2)
    _, _, distance = view.project(*all_.feet.T)
    x, y = (v.reshape(-1, 2) for v in (x + shift.right_px, y + shift.down_px))
    begin = math.floor(x.min()) - 3, math.floor(y.min()) - 3
    size = math.ceil(x.max()) + 3 - begin[0], math.ceil(y.max()) + 3 - begin[1]
    fine = tuple(low + (np.arange(many * sub) + 0.5) / sub for low, many in zip(begin, size, strict=True))
    across, down = (_lens_rows(at, count, sub) for at, count in zip(fine, (WIDTH, HEIGHT), strict=True))
    pictures = [kelvin.astype(float)]
    for i in np.argsort(-distance):
        share, warmth = np.zeros((2, size[1] * sub, size[0] * sub), np.float32)
        for j in range(all_.first[i], all_.first[i + 1]):
            inside = _in_capsule(*fine, x[j], y[j], all_.limbs[j, 6] * focal / depth[j, 1])
            share[inside] = 1
            warmth[inside] = math.exp(-AIR[1] * distance[i]) * (all_.limbs[j, 7] - AIR[0])
        rows = np.floor(fine[1] - shift.down_px).astype(int) + MARGIN
        columns = np.floor(fine[0] - shift.right_px).astype(int) + MARGIN
        at = np.ix_(rows, columns)
        clear = np.where(
            hide.range_m[at] < distance[i] - 3, 0, 1 - hide.veil[at] * (hide.veil_range_m[at] < distance[i])
        )
        behind = pictures[-1] - AIR[0]
        seen = down @ (share * clear) @ across.T * all_.covers[i]
        change = down @ (warmth * clear) @ across.T * all_.covers[i] - seen * behind
        pictures.append(pictures[-1] + change)
    return pictures


def _lens_rows(at: np.ndarray, count: int, sub: int) -> np.ndarray:
    """What of every sub-pixel reaches every pixel, along one axis."""
    centre = np.arange(count)[:, None] + 0.5
    edge = np.vectorize(math.erf)
    off = (at[None, :] - centre) / (BLUR_PX * math.sqrt(2))
    half = 0.5 / (BLUR_PX * math.sqrt(2))
    return 0.5 * (edge(off + half) - edge(off - half)) / sub


def _in_capsule(xs: np.ndarray, ys: np.ndarray, x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    dx, dy = x[1] - x[0], y[1] - y[0]
    off_x, off_y = xs[None, :] - x[0], ys[:, None] - y[0]
    along = np.clip((off_x * dx + off_y * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
    return (off_x - along * dx) ** 2 + (off_y - along * dy) ** 2 <= radius**2


def painted(view: CameraView, all_: Things, kelvin: np.ndarray, hide: Hiding, shift: Shift = STILL) -> tuple:
    picture = kelvin.astype(np.float32)
    return picture, Painter(view, hide, BLUR_PX).paint(picture, *all_, shift, AIR)


@settings(max_examples=40, deadline=None)
@given(
    east_m=st.floats(-200, 200), north_m=st.floats(100, 9000), up_m=st.floats(-60, 60), elevation_deg=st.floats(-20, 10)
)
def test_points_are_projected_as_the_view_projects_them(
    make_view: MakeView, east_m: float, north_m: float, up_m: float, elevation_deg: float
) -> None:
    view = make_view(elevation_deg=elevation_deg)
    x, y, range_m, _ = paint.project(paint.pinhole(view), east_m, north_m, up_m)
    expected = [float(v) for v in view.project(east_m, north_m, up_m)]
    assert [x, y, range_m] == pytest.approx(expected, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(("north_m", "sub"), [(300.0, 16), (700.0, 20), (1500.0, 60)])
def test_a_picture_is_what_brute_force_makes_of_it(make_view: MakeView, north_m: float, sub: int) -> None:
    view = make_view(elevation_deg=-math.degrees(math.atan(20 / north_m)))
    rng = np.random.default_rng(4)
    kelvin = (290 + rng.standard_normal((HEIGHT, WIDTH))).astype(np.float32)
    all_ = things(
        (PERSON, (0.3, north_m, 0.0)), (PERSON, (0.6, north_m + 5.0, 0.0)), (PERSON, (-3.0, north_m + 9, 0.0))
    )
    shift = Shift(0.37, -0.81, 0.0)
    hide = hiding(kelvin)
    picture, facts = painted(view, all_, kelvin, hide, shift)
    none, *_, last = pictures = brute(view, all_, kelvin, hide, shift, sub)
    np.testing.assert_allclose(picture - none, last - none, atol=0.02 * np.abs(last - none).max())
    # Who stands alone: the matched filter's energy by the definition. The nearest: by taking it away again.
    for actor, (before, after) in ((2, pictures[0:2]), (0, pictures[2:4])):
        assert facts[actor, paint.ENERGY] == pytest.approx(float(((after - before) ** 2).sum()), rel=0.03)
    # Who is partly hidden by another: the picture with everyone less that without it.
    without = Things(
        np.delete(all_.limbs, slice(5, 10), axis=0), np.array([0, 5, 10]), all_.feet[[0, 2]], all_.covers[[0, 2]]
    )
    missing = brute(view, without, kelvin, hide, shift, sub)[-1]
    assert facts[1, paint.ENERGY] == pytest.approx(float(((last - missing) ** 2).sum()), rel=0.04)
    assert 0 < facts[1, paint.VISIBLE] < 1
    assert facts[0, paint.VISIBLE] == pytest.approx(1)


def test_what_stands_before_an_actor_and_fences_hide_their_share(make_view: MakeView) -> None:
    view = make_view()
    kelvin = np.full((HEIGHT, WIDTH), 290, np.float32)
    all_ = things((PERSON, (0.0, 700.0, 0.0)))
    _, facts = painted(view, all_, kelvin, hiding())
    middle = round(facts[0, paint.BOX_Y] + facts[0, paint.BOX_H] / 2)
    near = np.full((HEIGHT, WIDTH), FAR)
    near[middle:] = 400.0
    veil = np.full((HEIGHT, WIDTH), 0.4)
    for hide in (hiding(range_m=near), hiding(veil=veil, veil_range_m=np.full((HEIGHT, WIDTH), 500.0))):
        picture, hidden = painted(view, all_, kelvin, hide)
        expected = brute(view, all_, kelvin, hide, STILL)[-1]
        np.testing.assert_allclose(picture - kelvin, expected - kelvin, atol=0.2)
        share = (picture - kelvin).sum() / (painted(view, all_, kelvin, hiding())[0] - kelvin).sum()
        assert hidden[0, paint.VISIBLE] == pytest.approx(share, abs=0.12)
    assert hidden[0, paint.VISIBLE] == pytest.approx(0.6, abs=1e-4)
    nearer = hiding(veil=veil, veil_range_m=np.full((HEIGHT, WIDTH), 800.0))
    assert painted(view, all_, kelvin, nearer)[1][0, paint.VISIBLE] == pytest.approx(1)


def test_a_target_of_two_pixels_by_five_keeps_its_energy_wherever_it_stands(make_view: MakeView) -> None:
    view = make_view(elevation_deg=-0.55)
    kelvin = np.full((HEIGHT, WIDTH), 290, np.float32)
    all_ = things((PERSON, (0.0, 2100.0, 0.0)))
    sums, energies = [], []
    for part in np.linspace(0, 1, 9):
        for shift in (Shift(part, 0.0, 0.0), Shift(0.3, part, 0.0)):
            picture, facts = painted(view, all_, kelvin, hiding(), shift)
            sums.append(float((picture - kelvin).sum()))
            energies.append(facts[0, paint.ENERGY])
    assert facts[0, paint.BOX_H] < 3
    assert np.ptp(sums) < 0.01 * np.mean(sums)
    assert np.std(energies) < 0.03 * np.mean(energies)


def test_leaves_let_through_what_is_behind_them(make_view: MakeView) -> None:
    view, kelvin = make_view(), np.full((HEIGHT, WIDTH), 290, np.float32)
    foot = (0.0, 700.0, 0.0)
    whole = painted(view, things((PERSON, foot)), kelvin, hiding())[0] - kelvin
    half = painted(view, things((PERSON, foot), cover=0.5), kelvin, hiding())[0] - kelvin
    np.testing.assert_allclose(half, 0.5 * whole, atol=1e-3)


def test_clutter_is_the_variance_around_an_actor(make_view: MakeView) -> None:
    rng = np.random.default_rng(3)
    kelvin = np.full((HEIGHT, WIDTH), 290, np.float32)
    kelvin[:, WIDTH // 2 :] += 1.5 * rng.standard_normal((HEIGHT, WIDTH // 2)).astype(np.float32)
    all_ = things((PERSON, (-12.0, 700.0, 0.0)), (PERSON, (10.0, 700.0, 0.0)))
    _, facts = painted(make_view(), all_, kelvin, hiding(kelvin))
    assert facts[0, paint.CLUTTER] == pytest.approx(0, abs=1e-6)
    half = facts[1, paint.BOX_H]
    x, y = facts[1, paint.BOX_X] + facts[1, paint.BOX_W] / 2, facts[1, paint.BOX_Y] + half / 2
    around = kelvin[round(y - half) : round(y + half), round(x - half) : round(x + half)]
    assert facts[1, paint.CLUTTER] == pytest.approx(float(around.var()), rel=1e-3)


def test_slack_is_the_grounds_own_step_and_not_the_jump_behind_a_ridge() -> None:
    column = np.array([[1e9], [3000.0], [2900.0], [800.0], [780.0], [770.0]], np.float32)
    assert paint.slack_m(column)[3, 0] == pytest.approx(1.5 * 20)
    assert paint.slack_m(column)[2, 0] == pytest.approx(0.05 * 2900)


def test_one_who_stands_behind_the_camera_or_beside_the_picture_is_not_painted(make_view: MakeView) -> None:
    kelvin = np.full((HEIGHT, WIDTH), 290, np.float32)
    all_ = things((PERSON, (0.0, -50.0, 0.0)), (PERSON, (400.0, 700.0, 0.0)))
    picture, facts = painted(make_view(), all_, kelvin, hiding())
    assert np.array_equal(picture, kelvin)
    assert math.isnan(facts[0, paint.RANGE])
    assert facts[1, paint.VISIBLE] == 0


def test_whatever_stands_anywhere_the_picture_stays_sound(make_view: MakeView) -> None:
    view, rng = make_view(), np.random.default_rng(6)
    kelvin = np.full((HEIGHT, WIDTH), 290, np.float32)
    for size in (0.2, 1.0, 8.0) * 20:
        ranges_m, turns = 10 ** rng.uniform(-0.5, 3.5, 6), rng.normal(0, 0.05, 6)
        feet = np.stack([ranges_m * np.sin(turns), ranges_m * np.cos(turns), rng.normal(0, 3, 6)], axis=1)
        ends = [feet.repeat(3, axis=0) + rng.normal(0, size, (18, 3)) for _ in range(2)]
        warmth = rng.uniform(270, 500, (18, 1))
        limbs = np.concatenate([*ends, rng.uniform(0.001, size, (18, 1)), warmth], axis=1)
        picture, facts = painted(view, Things(limbs, np.arange(0, 19, 3), feet, np.ones(6)), kelvin, hiding())
        assert 260 < picture.min() <= picture.max() < 501
        seen = facts[np.isfinite(facts[:, paint.RANGE])]
        assert np.isfinite(seen).all()
        assert np.all((seen[:, paint.VISIBLE] >= 0) & (seen[:, paint.VISIBLE] <= 1))
