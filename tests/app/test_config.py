"""Site files: what is right is read, and everything that is wrong is named at once."""

import struct
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.app.config import load_site
from marsad.app.site_rules import _crossing
from marsad.kernel.error import ConfigError, InputError, SiteError

GOOD = """
name = "Valley"
[terrain]
flat_height_m = 200
[[cameras]]
id = "north"
[cameras.lens]
width_px = 640
height_px = 512
horizontal_fov_deg = 25
[cameras.pose]
latitude_deg = 34.4
longitude_deg = 40.9
mast_m = 30
azimuth_deg = 270
elevation_deg = -2
[[lines]]
id = "line"
points = [
  { latitude_deg = 34.42, longitude_deg = 40.87 },
  { latitude_deg = 34.40, longitude_deg = 40.88 },
  { latitude_deg = 34.38, longitude_deg = 40.88 },
]
[[zones]]
id = "zone"
points = [
  { latitude_deg = 34.1, longitude_deg = 40.1 },
  { latitude_deg = 34.1, longitude_deg = 40.2 },
  { latitude_deg = 34.2, longitude_deg = 40.2 },
  { latitude_deg = 34.2, longitude_deg = 40.1 },
]
"""


def test_a_base_map_is_found_beside_the_site_file_and_must_be_one(path: Path) -> None:
    named = GOOD.replace('name = "Valley"', 'name = "Valley"\nbase_map = "maps/valley.pmtiles"')
    assert problems(path, named)["base_map"].line == 3
    base_map = path.parent / "maps" / "valley.pmtiles"
    base_map.parent.mkdir()
    base_map.write_bytes(b"PK\x03\x04 an archive")
    assert "is none" in problems(path, named)["base_map"].valid
    for cut_short in (bytes(80), struct.pack("<8Q", 127, 1, 128, 2, 130, 0, 130, 9) + bytes(63)):
        base_map.write_bytes(b"PMTiles\x03" + cut_short)
        assert "is cut short" in problems(path, named)["base_map"].valid
    base_map.write_bytes(b"PMTiles\x03" + bytes(119))
    assert load_site(path).base_map == str(base_map)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "site.toml"


def problems(path: Path, text: str) -> dict[str, ConfigError]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SiteError) as found:
        load_site(path)
    assert str(path) in str(found.value)
    named = {problem.key: problem for problem in found.value.problems}
    assert len(named) == len(found.value.problems)
    return named


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_a_good_site_is_read(path: Path) -> None:
    path.write_text(GOOD, encoding="utf-8")
    site = load_site(path)
    assert site.name == "Valley"
    assert site.cameras[0].lens.horizontal_fov_deg == 25.0
    assert site.cameras[0].pose is not None
    assert site.cameras[0].pose.sigma.height_m == 0.5
    assert [len(zone.points) for zone in site.zones] == [4]


def test_the_example_is_good() -> None:
    examples = Path(__file__).parents[2] / "examples"
    files = sorted(examples.glob("*.toml"))
    assert files
    for file in files:
        assert load_site(file).terrain.illustrative


def test_files_are_relative_to_the_site_file(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "dem").mkdir()
    (tmp_path / "dem" / "N34E040.hgt").write_bytes(b"x")
    (tmp_path / "clip.mp4").write_bytes(b"x")
    text = changed("flat_height_m = 200", 'files = ["dem/N34E040.hgt"]')
    path.write_text(text.replace('id = "north"', 'id = "north"\nsource = "clip.mp4"'), encoding="utf-8")
    monkeypatch.chdir("/")
    site = load_site(path)
    assert site.terrain.files == (str(tmp_path / "dem" / "N34E040.hgt"),)
    assert site.cameras[0].source == str(tmp_path / "clip.mp4")


def test_an_rtsp_address_is_left_as_it_is(path: Path) -> None:
    address = "rtsp://user:pass@192.0.2.1:8554/live"
    path.write_text(changed('id = "north"', f'id = "north"\nsource = "{address}"'), encoding="utf-8")
    assert load_site(path).cameras[0].source == address


@pytest.mark.parametrize(
    ("old", "new", "key", "value", "valid", "line"),
    [
        ("name =", "nane =", "nane", '"Valley"', "no such key; did you mean name?", 2),
        ("name =", "nane =", "name", "(missing)", "is required: text that is not empty", None),
        ("horizontal_fov_deg", "hfov_deg", "cameras[0].lens.hfov_deg", "25", "did you mean horizontal_fov_deg?", 10),
        ("horizontal_fov_deg = 25", "", "cameras[0].lens.horizontal_fov_deg", "(missing)", "above 0 and below 170", 7),
        (
            "fov_deg = 25",
            "fov_deg = 0",
            "cameras[0].lens.horizontal_fov_deg",
            "0",
            "a number above 0 and below 170",
            10,
        ),
        ("fov_deg = 25", "fov_deg = 180", "cameras[0].lens.horizontal_fov_deg", "180", "above 0 and below 170", 10),
        ("fov_deg = 25", 'fov_deg = "25"', "cameras[0].lens.horizontal_fov_deg", '"25"', "a number above 0", 10),
        ("fov_deg = 25", "fov_deg = 25\nvertical_fov_deg = 90", "cameras[0].lens.vertical_fov_deg", "90.0", "20.1", 11),
        ("width_px = 640", "width_px = 640.5", "cameras[0].lens.width_px", "640.5", "a whole number from 16 to", 8),
        ("width_px = 640", "width_px = true", "cameras[0].lens.width_px", "true", "a whole number", 8),
        ("mast_m = 30", "mast_m = 0", "cameras[0].pose.mast_m", "0.0", "a number above 0: the height of the lens", 14),
        ("elevation_deg = -2", "elevation_deg = 90", "cameras[0].pose.elevation_deg", "90.0", "the zenith", 16),
        ("elevation_deg = -2", "elevation_deg = -91", "cameras[0].pose.elevation_deg", "-91", "from -90 to 90", 16),
        ("azimuth_deg = 270", "azimuth_deg = inf", "cameras[0].pose.azimuth_deg", "inf", "from -360 to 360", 15),
        ("latitude_deg = 34.4\n", "latitude_deg = nan\n", "cameras[0].pose.latitude_deg", "nan", "from -90 to 90", 12),
        ('id = "north"', 'id = "no rth"', "cameras[0].id", '"no rth"', "out of letters, digits", 6),
        ('id = "north"', 'id = "n"\npolarity = "cool"', "cameras[0].polarity", '"cool"', '"both", "hot", "cold"', 7),
        ('id = "north"', 'id = "n"\nmasks = 3', "cameras[0].masks", "3", "a list of tables", 7),
        ('id = "north"', 'id = "n"\nsource = "no.mp4"', "cameras[0].source", '"no.mp4"', "a recording that exists", 7),
        (
            'id = "north"',
            'id = "n"\nsource = "http://h/"',
            "cameras[0].source",
            '"http://h/"',
            "begins with rtsp://",
            7,
        ),
        (
            'id = "north"',
            'id = "n"\nsource = "rtsp://h:x/"',
            "cameras[0].source",
            '"rtsp://h:x/"',
            "rtsp://host:554",
            7,
        ),
        ("flat_height_m = 200", 'files = ["a.hgt"]', "terrain.files[0]", '"a.hgt"', "an elevation file that exists", 4),
        ("flat_height_m = 200", 'files = "a.hgt"', "terrain.files", '"a.hgt"', "a list of texts", 4),
        ("flat_height_m = 200", "sigma_m = -1", "terrain.sigma_m", "-1", "a number of 0 or more", 4),
        ("[terrain]\nflat_height_m = 200", "terrain = 3", "terrain", "3", "a table", 3),
        ("latitude_deg = 34.42", "latitude_deg = 95", "lines[0].points[0].latitude_deg", "95.0", "swapped", 20),
        (
            "longitude_deg = 40.87",
            "longitude_deg = 200",
            "lines[0].points[0].longitude_deg",
            "200.0",
            "-180 to 180",
            20,
        ),
        ('id = "line"', 'id = ""', "lines[0].id", '""', "text that is not empty", 18),
    ],
)
def test_each_mistake_is_named_with_key_value_and_what_is_valid(
    path: Path, old: str, new: str, key: str, value: str, valid: str, line: int | None
) -> None:
    found = problems(path, changed(old, new))[key]
    assert found.value == value
    assert valid in found.valid
    assert found.line == line


def test_all_mistakes_are_named_at_once_in_the_order_of_the_file(path: Path) -> None:
    text = changed("flat_height_m = 200", 'files = ["a.hgt"]').replace("mast_m = 30", "mast_m = 0")
    text = text.replace("azimuth_deg = 270", 'azimuth_deg = "W"').replace(
        "latitude_deg = 34.40,", "latitude_deg = 134,"
    )
    text += '[[zones]]\nid = "zone"\npoints = []\nclour = "red"\n'
    found = problems(path, text)
    assert list(found) == [
        "terrain.files[0]",
        "cameras[0].pose.azimuth_deg",
        "lines[0].points[1].latitude_deg",
        "zones[1].id",
        "zones[1].points",
        "zones[1].clour",
    ]
    message = str(SiteError("site.toml", list(found.values())))
    assert message.startswith("site.toml: 6 settings to mend\n  line 4: terrain.files[0] = ")


def test_masks_outside_the_picture_are_named(path: Path) -> None:
    masks = "masks = [{ x_px = 0, y_px = 0, w_px = 8, h_px = 8 }, { x_px = 640, y_px = 500, w_px = 1, h_px = 13 }]"
    found = problems(path, changed('id = "north"', f'id = "north"\n{masks}'))
    assert found.keys() == {"cameras[0].masks[1].x_px", "cameras[0].masks[1].h_px"}
    assert found["cameras[0].masks[1].x_px"].valid == "a whole number from 0 to 639, inside the picture"
    assert found["cameras[0].masks[1].h_px"].valid == "a whole number from 1 to 12, since the picture ends at 512"


def test_a_mask_over_the_whole_picture_is_named(path: Path) -> None:
    masks = "masks = [{ x_px = 0, y_px = 0, w_px = 640, h_px = 512 }]"
    found = problems(path, changed('id = "north"', f'id = "north"\n{masks}'))
    assert found["cameras[0].masks"].value == "the whole picture"


def test_repeated_ids_are_named_even_beside_other_mistakes(path: Path) -> None:
    camera = GOOD[GOOD.index("[[cameras]]") : GOOD.index("[[lines]]")]
    found = problems(path, GOOD.replace("[[lines]]", camera.replace("640", "-1") + "[[lines]]", 1))
    assert found["cameras[1].id"].valid == "an id of its own: cameras[0] has this one"
    assert "cameras[1].lens.width_px" in found


def test_a_zone_may_not_have_a_line_s_id(path: Path) -> None:
    found = problems(path, changed('id = "zone"', 'id = "line"'))
    assert found["zones[0].id"].valid == "an id of its own: lines[0] has this one"


POINT = "  {{ latitude_deg = {}, longitude_deg = {} }},\n"


def points(*corners: tuple[float, float]) -> str:
    return "points = [\n" + "".join(POINT.format(*corner) for corner in corners) + "]\n"


def shape(kind: str, *corners: tuple[float, float]) -> str:
    return f'name = "S"\n[[{kind}]]\nid = "s"\n{points(*corners)}'


@pytest.mark.parametrize(
    ("corners", "key", "valid"),
    [
        (
            [(0, 0), (1, 1), (0, 1), (1, 0)],
            "zones[0].points",
            "the side after points[0] meets the side after points[2]",
        ),
        ([(0, 0), (0, 1), (1, 1), (0, 0)], "zones[0].points[3]", "a zone closes itself"),
        ([(0, 0), (0, 1), (0, 1), (1, 1)], "zones[0].points[2]", "it repeats points[1]"),
        ([(0, 0), (1, 1), (2, 2)], "zones[0].points", "these lie on one line"),
        ([(0, 0), (0, 2), (2, 2), (2, 0), (2, 1), (0, 1)], "zones[0].points", "meets the side"),
        ([(0, 0), (0, 1)], "zones[0].points", "a list of tables, at least 3"),
    ],
)
def test_impossible_zones_are_named(path: Path, corners: list[tuple[float, float]], key: str, valid: str) -> None:
    assert valid in problems(path, shape("zones", *corners))[key].valid


POST = 'posts = [{ id = "%s", position = { latitude_deg = 34.4, longitude_deg = 41.0 } }]'
PATROL = 'patrols = [{ patrol_id = "P1", means = "foot", persons = 3, %s }]'


@pytest.mark.parametrize(
    ("added", "key", "valid"),
    [
        (PATROL % 'skills = ["medic", "medic"]', "patrols[0].skills[1]", "each skill once"),
        (PATROL % 'skills = ["pilot"]', "patrols[0].skills[0]", 'one of "medic", "clearance", "interpreter"'),
        (PATROL % "home = { latitude_deg = 134.4, longitude_deg = 41.0 }", "patrols[0].home.latitude_deg", "-90 to 90"),
        (
            PATROL % "duties = [{ points = [{ latitude_deg = 34.4, longitude_deg = 41.0 }], until_hour = 0 }]",
            "patrols[0].duties[0].until_hour",
            "another hour than from_hour",
        ),
        (POST % "P 1", "posts[0].id", "out of letters, digits"),
        (f"{POST % 'P1'}\n{PATROL % 'ready_s = 0'}", "patrols[0].patrol_id", "an id of its own: posts[0] has this one"),
        ("rules = { soon_s = 900 }", "rules.soon_s", "a number up to 600, approach_s"),
        ('rules = { off = ["approach", "confirmed_track"] }', "rules.off[1]", "a rule of the picture"),
        ("rules = { group_size = 1 }", "rules.group_size", "a whole number of 2 or more"),
        ('rules = { of = ["approach"] }', "rules.of", "did you mean off?"),
    ],
)
def test_impossible_posts_patrols_and_rules_are_named(path: Path, added: str, key: str, valid: str) -> None:
    assert valid in problems(path, f'name = "Valley"\n{added}\n')[key].valid


def test_a_fence_is_held_to_what_a_line_is(path: Path) -> None:
    found = problems(path, shape("fences", (0, 0), (0, 1), (1, 1), (0, 1)))
    assert found["fences[0].points[3]"].valid == "a point of its own: it repeats points[1]"


def test_the_example_names_a_post_a_fence_and_a_patrol() -> None:
    site = load_site(Path(__file__).parents[2] / "examples" / "site.toml")
    assert (site.posts[0].name, site.fences[0].id, site.patrols[0].skills) == ("Post 3", "pump-fence", ("medic",))


def test_a_line_with_a_repeated_point_is_named_and_a_ring_is_not(path: Path) -> None:
    found = problems(path, shape("lines", (0, 0), (0, 1), (1, 1), (0, 1), (2, 2)))
    assert found["lines[0].points[3]"].valid == "a point of its own: it repeats points[1]"
    assert found["lines[0].points[3]"].line == 8
    path.write_text(shape("lines", (0, 0), (0, 1), (1, 1), (0, 0)), encoding="utf-8")
    assert len(load_site(path).lines[0].points) == 4


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=7, unique=True))
def test_crossing_sides_agree_with_exact_rational_geometry(corners: list[tuple[int, int]]) -> None:
    """Brute force: two sides share a point other than the corner they have in common, by solving in fractions."""

    def share(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int], d: tuple[int, int]) -> set[Fraction]:
        """The parameters on a-b of the ends of what it shares with c-d."""
        ux, uy, vx, vy = b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]
        det = ux * vy - uy * vx
        if det:
            s = Fraction((c[0] - a[0]) * vy - (c[1] - a[1]) * vx, det)
            t = Fraction((c[0] - a[0]) * uy - (c[1] - a[1]) * ux, det)
            return {s} if 0 <= s <= 1 and 0 <= t <= 1 else set()
        if (c[0] - a[0]) * uy != (c[1] - a[1]) * ux:
            return set()
        ends = sorted(Fraction((p[0] - a[0]) * ux + (p[1] - a[1]) * uy, ux * ux + uy * uy) for p in (c, d))
        low, high = max(ends[0], Fraction(0)), min(ends[1], Fraction(1))
        return {low, high} if low <= high else set()

    count = len(corners)
    sides = [(corners[i], corners[(i + 1) % count]) for i in range(count)]
    simple = True
    for i in range(count):
        for j in range(i + 1, count):
            allowed = {Fraction(1)} if j == i + 1 else {Fraction(0)} if i == 0 and j == count - 1 else set()
            simple &= share(*sides[i], *sides[j]) <= allowed
    assert (_crossing([(float(x), float(y)) for x, y in corners]) is None) == simple


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name = ", "is not TOML: Invalid value"),
        (b"name = 'a'\nname = 'b'", "is not TOML: Cannot overwrite a value"),
        (b"name = '\xff'", "is not text in UTF-8 at byte 8; save it as UTF-8"),
    ],
)
def test_what_is_no_toml_is_said_to_be_none(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_site(path)


def test_a_missing_file_and_a_folder_are_told_apart(path: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_site(path)
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load_site(tmp_path)


def test_a_byte_order_mark_does_no_harm(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_site(path).name == "Valley"


def test_a_password_is_never_shown(path: Path) -> None:
    found = problems(path, changed('id = "north"', 'id = "north"\nsource = "http://me:secret@h/"'))
    assert "secret" not in str(found["cameras[0].source"])
