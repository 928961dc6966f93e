"""What is painted onto the empty scene: how much of it, where, and what hides it."""

from collections.abc import Callable

import numpy as np
import pytest

from marsad.geo.ground import CameraView
from marsad.simulate.stamp import Canvas, Shapes, joined, paint
from marsad.simulate.weather import Air

MakeView = Callable[..., CameraView]
EMPTY_AIR = Air(kelvin=280.0, extinction_per_km=0.0)


def canvas_of(view: CameraView, kelvin: float = 290.0) -> Canvas:
    """The bare ground of a view, all of one temperature."""
    lookup = view.lookup()
    range_m = np.where(lookup.status == 0, lookup.range_m, np.inf).astype(np.float32)
    plain = np.full_like(range_m, kelvin)
    return Canvas(plain, range_m, np.zeros_like(plain), np.full_like(plain, np.inf))


def ball(north_m: float, up_m: float, radius_m: float, kelvin: float = 300.0, opacity: float = 1.0) -> Shapes:
    """One ball straight ahead."""
    at = [0.0, north_m, up_m, radius_m]
    return Shapes(np.array([[*at, *at, kelvin, kelvin, opacity, 0.0]]))


def panel(north_m: float, half_m: float, high_m: float, *, fence: bool = False, opacity: float = 1.0) -> Shapes:
    """An upright panel straight ahead that looks at the camera."""
    corners = [-half_m, north_m, 0.0, half_m, north_m, 0.0, half_m, north_m, high_m, -half_m, north_m, high_m]
    return Shapes(quads=np.array([[*corners, 300.0, 300.0, opacity, float(fence)]]))


def test_a_ball_covers_as_many_pixels_as_it_measures(make_view: MakeView) -> None:
    view = make_view()
    for radius_m in (0.15, 0.6, 2.0):
        canvas = canvas_of(view)
        paint(canvas, ball(600.0, radius_m, radius_m), view, EMPTY_AIR)
        covered = float((canvas.kelvin - 290).sum()) / 10
        seen_px = radius_m * view.optics.focal_x_px / 600
        # Edges are soft by a pixel: a ball of two pixels covers a little too much.
        assert covered == pytest.approx(np.pi * seen_px**2, rel=0.25)


def test_a_panel_covers_as_many_pixels_as_it_measures(make_view: MakeView) -> None:
    view, canvas = make_view(), canvas_of(make_view())
    paint(canvas, panel(500.0, 3.0, 4.0), view, EMPTY_AIR)
    scale = view.optics.focal_x_px / 500
    assert float((canvas.kelvin - 290).sum()) / 10 == pytest.approx(6 * 4 * scale**2, rel=0.05)
    assert canvas.range_m[canvas.kelvin > 299.9] == pytest.approx(500, abs=2)


def test_ground_hides_what_is_behind_it(make_view: MakeView) -> None:
    view = make_view(lambda _east, north: np.where((north > 400) & (north < 440), 15.0, 0.0))
    canvas = canvas_of(view)
    paint(canvas, ball(700.0, 1.0, 1.0), view, EMPTY_AIR)
    assert float(np.abs(canvas.kelvin - 290).max()) == 0


def test_the_near_hides_the_far_whatever_their_order(make_view: MakeView) -> None:
    view = make_view()
    far, near = ball(900.0, 2.0, 2.0, kelvin=310.0), panel(450.0, 4.0, 16.0)
    results = []
    for order in ([far, near], [near, far]):
        canvas = canvas_of(view)
        paint(canvas, joined(order), view, EMPTY_AIR)
        results.append(canvas.kelvin.copy())
    np.testing.assert_array_equal(*results)
    x, y, _ = view.project(0.0, 900.0, 2.0)
    assert results[0][int(y), int(x)] == pytest.approx(300.0)


def test_a_fence_veils_and_leaves_the_range_to_what_is_behind(make_view: MakeView) -> None:
    view, canvas = make_view(), canvas_of(make_view())
    bare = canvas.range_m.copy()
    paint(canvas, panel(500.0, 3.0, 4.0, fence=True, opacity=0.2), view, EMPTY_AIR)
    x, y, _ = (float(value) for value in view.project(0.0, 500.0, 2.0))
    row, column = int(y), int(x)
    assert canvas.veil[row, column] == pytest.approx(0.2)
    assert canvas.veil_range_m[row, column] == pytest.approx(500, abs=2)
    assert canvas.kelvin[row, column] == pytest.approx(292)
    np.testing.assert_array_equal(canvas.range_m, bare)
    assert canvas.veil[0, 0] == 0
    assert np.isinf(canvas.veil_range_m[0, 0])


def test_what_stands_before_a_fence_is_not_veiled(make_view: MakeView) -> None:
    view, canvas = make_view(), canvas_of(make_view())
    things = joined([panel(500.0, 3.0, 4.0, fence=True, opacity=0.2), ball(400.0, 2.5, 0.8)])
    paint(canvas, things, view, EMPTY_AIR)
    x, y, _ = (float(value) for value in view.project(0.0, 400.0, 2.5))
    assert canvas.veil[int(y), int(x)] == pytest.approx(0, abs=1e-6)


def test_the_air_takes_its_share_of_what_is_painted(make_view: MakeView) -> None:
    view = make_view()
    hazy = Air(kelvin=280.0, extinction_per_km=1.0)
    canvas = canvas_of(view)
    paint(canvas, panel(500.0, 3.0, 4.0), view, hazy)
    x, y, distance = (float(value) for value in view.project(0.0, 500.0, 2.0))
    expected = 280 + 20 * np.exp(-distance / 1000)
    assert canvas.kelvin[int(y), int(x)] == pytest.approx(expected, abs=0.02)


def test_what_is_behind_the_camera_is_not_painted(make_view: MakeView) -> None:
    view, canvas = make_view(), canvas_of(make_view())
    paint(canvas, joined([ball(-300.0, 2.0, 2.0), panel(-100.0, 3.0, 3.0)]), view, EMPTY_AIR)
    assert float(np.abs(canvas.kelvin - 290).max()) == 0
