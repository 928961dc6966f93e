"""What is asked for and read over HTTP, and what each role is answered."""

from pathlib import Path

import msgspec
import pytest
from tests.console.conftest import NIGHT_NS, PEOPLE, Console

from marsad.console.openapi import interface
from marsad.kernel.desk import DeskState
from marsad.kernel.picture import Picture, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position


def act(kind: str, number: str = "a1", **fields: object) -> dict[str, object]:
    return {"type": kind, "act_id": number, **fields}


def test_an_act_is_done_in_the_name_of_who_asks(console: Console) -> None:
    client = console.enter("omar")
    answer = client.post("/api/acts", json=act("note_shift", text="quiet"))
    assert answer.status_code == 200
    assert answer.json()["events"][0]["event"]["decision"] == "quiet"
    person, asked = console.desk.asked[0]
    assert (person.name, person.role, asked.act_id) == ("omar", "operator", "a1")
    again = client.post("/api/acts", json=act("note_shift", text="quiet"))
    assert again.json() == {**answer.json(), "repeated": True}


def test_what_a_rule_forbids_is_a_conflict_and_written_down(console: Console) -> None:
    answer = console.enter("omar").post(
        "/api/acts", json=act("send_patrol", incident_id="I1", patrol_id="P1", task="look", text="go")
    )
    assert (answer.status_code, answer.json()["error"]) == (409, "RefusedError")
    assert ("refused", "omar", "send_patrol", "rule") in {
        (each.happening, each.name, each.subject, each.reason) for each in console.told()
    }


@pytest.mark.parametrize("name", [name for name, _, _ in PEOPLE])
def test_a_role_is_refused_what_is_not_its_own(console: Console, name: str) -> None:
    client = console.enter(name)
    exercise = client.post("/api/acts", json=act("set_exercise", on=True))
    assert exercise.status_code == (200 if name in {"anwar", "sara"} else 403)
    said = client.get("/api/session").json()["acts"]
    assert ("set_exercise" in said) == (exercise.status_code == 200)
    assert client.get("/api/accounts").status_code == (200 if name == "anwar" else 403)


def test_a_patrol_answers_its_own_orders_alone(console: Console) -> None:
    client = console.enter("patrol 1")
    own = {"says": "accepted", "time_ns": NIGHT_NS, "via": "phone"}
    assert client.post("/api/acts", json=act("answer_order", "a1", dispatch_id="D2", **own)).status_code == 403
    assert client.post("/api/acts", json=act("answer_order", "a2", dispatch_id="D9", **own)).status_code == 403
    radio = {**own, "via": "radio"}
    assert client.post("/api/acts", json=act("answer_order", "a3", dispatch_id="D1", **radio)).status_code == 403
    assert console.desk.asked == []
    assert client.post("/api/acts", json=act("answer_order", "a4", dispatch_id="D1", **own)).status_code == 200


def test_a_patrol_reads_its_own_orders_alone(console: Console) -> None:
    client = console.enter("patrol 1")
    past = (
        f"/api/events?from=0&to={NIGHT_NS}",
        f"/api/events?from={NIGHT_NS}&to={NIGHT_NS}",
        f"/api/state?at={NIGHT_NS}",
    )
    for path in (*past, "/api/incidents/I1/options", "/api/alarms/A1/options", "/api/alarms/A1/teaching"):
        assert client.get(path).status_code == 403, path
    state = client.get("/api/state")
    shown = msgspec.json.decode(state.content, type=DeskState)
    assert [each.dispatch_id for each in shown.dispatches] == ["D1"]
    assert [each.incident_id for each in shown.incidents] == ["I1"]
    assert shown.incidents[0].hazards[0].kind == "possible_explosive"
    assert [each.patrol_id for each in shown.patrols] == ["P1"]
    assert (shown.alarms, shown.cameras, shown.figures, shown.picture.tracks) == ((), (), None, ())
    assert "a source told us" not in state.text
    site = client.get("/api/site").json()
    assert site["cameras"] == []
    assert [each["id"] for each in site["lines"]] == ["border"]


def test_all_that_is_known_of_one_track_is_there_for_whoever_keeps_watch(console: Console) -> None:
    ground = GroundState(
        position=Position(latitude_deg=34.4, longitude_deg=40.9), east_m=1.0, north_m=2.0, range_m=900.0,
        covariance=GroundCovariance(east_m2=4.0, east_north_m2=0.0, north_m2=4.0),
    )  # fmt: skip
    track = PictureTrack(
        track_id="north-1-a", origin="own", time_ns=NIGHT_NS, status="confirmed", ground=ground, existence=0.9,
        velocity_covariance=ground.covariance, first_ns=NIGHT_NS, seen_ns=NIGHT_NS,
    )  # fmt: skip
    console.desk.picture = Picture(time_ns=NIGHT_NS, tracks=(track,))
    client = console.enter("vian")
    answer = client.get("/api/tracks/north-1-a")
    assert msgspec.json.decode(answer.content, type=PictureTrack) == track
    answer = client.get("/api/tracks/T9")
    assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")
    assert console.enter("patrol 1").get("/api/tracks/T1").status_code == 403


def test_the_site_is_shown_without_where_its_pictures_come_from(console: Console) -> None:
    for name, role, _ in PEOPLE:
        shown = console.enter(name).get("/api/site")
        assert "rtsp" not in shown.text
        assert "secret" not in shown.text
        if role != "patrol":
            assert [each["id"] for each in shown.json()["cameras"]] == ["C1"]


def test_what_fills_the_timeline_of_a_page_that_is_opened_is_no_look_into_the_past(console: Console) -> None:
    client = console.enter("vian")
    hour_ns = 3_600 * 10**9
    assert client.get(f"/api/events?from={NIGHT_NS - hour_ns}&to={NIGHT_NS}").status_code == 200
    assert [each for each in console.told() if each.happening == "looked_back"] == []
    assert client.get(f"/api/events?from={NIGHT_NS - 4 * hour_ns}&to={NIGHT_NS}").status_code == 200
    assert [each.subject for each in console.told() if each.happening == "looked_back"] == ["events"]


def test_who_looks_into_the_past_is_written_down_first(console: Console) -> None:
    client = console.enter("vian")
    assert client.get(f"/api/state?at={NIGHT_NS + 5}").json()["now_ns"] == NIGHT_NS + 5
    assert client.get(f"/api/events?from=0&to={NIGHT_NS}").status_code == 200
    looked = [(each.name, each.subject) for each in console.told() if each.happening == "looked_back"]
    assert looked == [("vian", "state"), ("vian", "events")]
    console.desk.down = True
    console.desk.time_ns += 60_000_000_000
    answer = client.get(f"/api/state?at={NIGHT_NS + 5}")
    assert (answer.status_code, answer.json()["error"]) == (503, "UnavailableError")
    assert client.get("/api/state").status_code == 200
    assert console.enter("omar"), "the desk can be reached while its log cannot be written"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/state?at=1", 400),
        ("/api/state?at=soon", 400),
        ("/api/events", 400),
        ("/api/events?from=1", 400),
        ("/api/incidents/I9/options", 400),
        ("/api/incidents/I1/options", 200),
        ("/api/alarms/A9/options", 400),
        ("/api/alarms/A1/options", 200),
        ("/api/alarms/A9/teaching", 400),
        ("/api/alarms/A1/teaching", 200),
        ("/api/nothing", 404),
        ("/api/", 404),
        ("/api/openapi.json", 200),
    ],
)
def test_what_is_wrong_is_said_in_one_shape(console: Console, path: str, status: int) -> None:
    answer = console.enter("omar").get(path)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert set(answer.json()) == {"error", "message"}
        assert answer.json()["message"]


def test_the_interface_on_the_page_is_the_one_that_is_served(console: Console, root: Path) -> None:
    page = msgspec.json.decode((root / "docs" / "reference" / "openapi.json").read_bytes())
    made = msgspec.json.decode(msgspec.json.encode(interface()))
    assert page == made, "run `python -m marsad.console.openapi > docs/reference/openapi.json`"
    served = console.client().get("/api/openapi.json").json()["paths"]
    assert served
    assert served == {path: page["paths"][path] for path in served}


def test_nothing_that_is_answered_names_who_reported(console: Console) -> None:
    document = console.client().get("/api/openapi.json").json()
    holding = {
        name for name, schema in document["components"]["schemas"].items() if "reporter" in schema.get("properties", {})
    }
    assert holding == {"ReportSighting"}, "the act alone carries it, on its way in"
    hashes = [name for name, schema in document["components"]["schemas"].items() if "password_hash" in str(schema)]
    assert hashes == []


def test_the_interface_is_whole(console: Console) -> None:
    document = console.client().get("/api/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    schemas = document["components"]["schemas"]
    for union in ("Act", "Event", "FeedMessage"):
        assert {each["$ref"].rpartition("/")[2] for each in schemas[union]["anyOf"]} <= set(schemas)
    assert schemas["DeskState"]["required"] == list(schemas["DeskState"]["properties"])
    assert "note" not in schemas["AddHazard"]["required"]
