"""Grid references against those of another implementation (the `mgrs` package of the console, from proj4js)."""

import pytest

from marsad.geo.mgrs import mgrs
from marsad.kernel.error import InputError

KNOWN = [
    (34.46, 40.95, "37SFU7911414886"),
    (34.398812, 40.941, "37SFU7841708084"),
    (0.0001, 0.0001, "31NAA6603200011"),
    (-33.9, 18.4, "34HBH5958345888"),
    (51.4778, -0.0015, "30UYC0821307224"),
    (61.5, 5.3, "32VLP0311024071"),
    (78.2, 15.6, "33XWG1369680760"),
    (36.1, 44.9, "38SME9099895044"),
    (-79.9, 170.1, "59CMM8238029439"),
    (83.9, -179.9, "1XDP6560917795"),
    (37.12, 42.06, "38SKG3879012230"),
]


@pytest.mark.parametrize(("latitude", "longitude", "reference"), KNOWN)
def test_references_are_those_of_another_implementation(latitude: float, longitude: float, reference: str) -> None:
    assert mgrs(latitude, longitude).replace(" ", "").lstrip("0") == reference


def test_fewer_digits_name_the_larger_square_around() -> None:
    assert mgrs(34.46, 40.95, 3) == "37S FU 791 148"


def test_there_is_no_reference_near_the_poles_or_of_no_digits() -> None:
    with pytest.raises(InputError, match="latitude 85"):
        mgrs(85.0, 0.0)
    with pytest.raises(InputError, match="digits = 0"):
        mgrs(34.0, 40.0, 0)
