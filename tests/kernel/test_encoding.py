"""Events as bytes, across schemas."""

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.kernel import encoding
from marsad.kernel.encoding import Peek, decode, encode, peek
from marsad.kernel.error import InputError
from marsad.kernel.event import (
    SCHEMA_VERSION,
    AlarmChanged,
    AlertRaised,
    CameraLost,
    FramesDropped,
    OfficerDecision,
    PayloadErased,
)


@given(st.text(), st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**64 - 1))
def test_what_is_encoded_decodes_to_the_same(text: str, time_ns: int, count: int) -> None:
    for event in (
        CameraLost(time_ns=time_ns, camera_id="c", detail=text.encode("utf-8", "ignore").decode()),
        FramesDropped(time_ns=time_ns, camera_id="c", count=count),
    ):
        assert decode(encode(event), SCHEMA_VERSION) == event


def test_a_payload_is_plain_messagepack_with_names() -> None:
    event = OfficerDecision(time_ns=1, officer="o", subject="s", decision="d")
    assert msgspec.msgpack.decode(encode(event)) == {
        "type": "officer_decision",
        "time_ns": 1,
        "officer": "o",
        "subject": "s",
        "decision": "d",
        "reason": "",
    }


@pytest.mark.parametrize(
    "event",
    [CameraLost(time_ns=1, camera_id="c", detail="\ud800"), FramesDropped(time_ns=2**70, camera_id="c", count=1)],
)
def test_what_cannot_be_written_is_named(event: CameraLost) -> None:
    with pytest.raises(InputError, match=f"{type(event).__name__} cannot be written to the log"):
        encode(event)


def test_an_older_schema_is_lifted_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Schema 1 said `camera`, schema 2 had no detail: both come out as schema 3 has them."""

    def rename(fields: dict[str, Any]) -> dict[str, Any]:
        fields["camera_id"] = fields.pop("camera")
        return fields

    def fill(fields: dict[str, Any]) -> dict[str, Any]:
        return {"detail": "not told", **fields}

    monkeypatch.setattr(encoding, "SCHEMA_VERSION", 3)
    steps = {1: {"camera_lost": rename}, 2: {"camera_lost": fill}}
    lost = CameraLost(time_ns=1, camera_id="c", detail="not told")
    assert decode(msgspec.msgpack.encode({"type": "camera_lost", "time_ns": 1, "camera": "c"}), 1, steps) == lost
    assert decode(msgspec.msgpack.encode({"type": "camera_lost", "time_ns": 1, "camera_id": "c"}), 2, steps) == lost
    with pytest.raises(
        InputError, match="event schema 2 is not known to this software: read the log with the one that wrote it"
    ):
        decode(
            msgspec.msgpack.encode({"type": "camera_lost", "time_ns": 1, "camera": "c"}),
            1,
            {1: {"camera_lost": rename}},
        )


def test_a_newer_schema_is_refused() -> None:
    with pytest.raises(InputError, match="event schema 3 is newer than this software's, 2: update Marsad"):
        decode(b"", 3)


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"text", msgspec.msgpack.encode({"type": "unheard_of"})])
def test_bytes_that_are_no_event_are_refused(payload: bytes) -> None:
    with pytest.raises(InputError, match="is not an event of schema 1"):
        decode(payload, 1)


def test_an_erasure_is_recognised_in_any_schema() -> None:
    erased = PayloadErased(time_ns=1, sequence=7, rule="r", officer="o")
    assert peek(encode(erased)) == Peek(type="payload_erased", sequence=7)
    later = msgspec.msgpack.encode({"type": "payload_erased", "sequence": 8, "added_later": [1, 2]})
    assert peek(later) == Peek(type="payload_erased", sequence=8)
    assert peek(b"\xc1") is None


EARLIER_ALERT = {
    "alert_id": "north-3-wadi-1", "rule": "zone_intrusion", "rule_id": "wadi", "priority": "high",
    "camera_id": "north", "track_id": 3, "time_ns": 7, "frame_index": 12, "kind": "person",
    "box": {"x_px": 1.0, "y_px": 2.0, "w_px": 3.0, "h_px": 4.0}, "text": "Person, inside wadi", "direction": "",
    "ground": None, "count": None,
}  # fmt: skip
EARLIER_ALARM = {
    "alarm_id": "A1", "subject_id": "G1", "state": "unacknowledged", "priority": "high", "kind": "person",
    "response": "look_and_send", "text": "Person, inside wadi",
    "met": [{"rule": "zone_intrusion", "rule_id": "wadi", "direction": "", "time_ns": 7, "alert_id": "north-3-wadi-1"}],
    "seen": {"time_ns": 7, "camera_id": "north", "box": EARLIER_ALERT["box"], "ground": None},
    "raised_ns": 7, "changed_ns": 7, "latching": False, "stands": True, "count": None, "formerly": [],
    "camera_ids": ["north"], "alerts": 1, "escalation": 0, "annunciated_ns": 7, "acknowledged_ns": None,
    "acknowledged_by": "", "held_until_ns": None, "hold_id": "", "nuisance": None, "nuisance_at": None,
    "nuisance_subject": "",
}  # fmt: skip


def test_alerts_and_alarms_of_cameras_alone_decode_as_they_were_written() -> None:
    """As logs have them from before alerts could be about more than one camera's track."""
    raised = decode(msgspec.msgpack.encode({"type": "alert_raised", "time_ns": 7, "alert": EARLIER_ALERT}), 1)
    assert isinstance(raised, AlertRaised)
    assert (raised.alert.outline.w_px, raised.alert.number, raised.alert.about) == (3.0, 3, "object")
    changed = decode(
        msgspec.msgpack.encode(
            {"type": "alarm_changed", "time_ns": 7, "alarm": EARLIER_ALARM, "happening": "raised", "officer": "",
             "reason": ""}
        ),
        1,
    )  # fmt: skip
    assert isinstance(changed, AlarmChanged)
    assert (changed.alarm.seen.camera_id, changed.alarm.about, changed.alarm.facts.near) == ("north", "object", None)


def test_an_alert_of_no_camera_has_no_box_to_ask_for() -> None:
    told = {key: EARLIER_ALERT[key] for key in ("alert_id", "rule", "rule_id", "priority", "time_ns", "text")}
    raised = decode(msgspec.msgpack.encode({"type": "alert_raised", "time_ns": 7, "alert": told}), 1)
    assert isinstance(raised, AlertRaised)
    with pytest.raises(InputError, match="it has no box"):
        _ = raised.alert.outline
    with pytest.raises(InputError, match="it has no track there"):
        _ = raised.alert.number


BEFORE = Path(__file__).with_name("events_of_schema_1.jsonl")
"""Every event there was in schema 1, all of its fields filled, in the bytes that the software of that time wrote."""


@pytest.mark.parametrize("line", BEFORE.read_text(encoding="utf-8").splitlines(), ids=lambda line: json.loads(line)[0])
def test_every_event_of_schema_1_is_read_and_says_what_it_said(line: str) -> None:
    tag, payload = json.loads(line)
    before = base64.b64decode(payload)
    after = msgspec.msgpack.decode(encode(decode(before, 1)))
    told = msgspec.msgpack.decode(before)
    assert told["type"] == tag
    if tag == "desk_kept":
        # What was said stands beside it, in the messages.
        assert told["messages"]
        del told["state"]["partner"]["joint"]
    assert within(told, after)


def within(told: object, now: object) -> bool:
    """Whether all of something is in something else, which may have more fields."""
    if isinstance(told, dict) and isinstance(now, dict):
        return all(key in now and within(value, now[key]) for key, value in told.items())
    if isinstance(told, list) and isinstance(now, list):
        return len(told) == len(now) and all(map(within, told, now))
    return told == now
