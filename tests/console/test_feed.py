"""The change feed over a real socket: in order, once, resumed by sequence, and each role its own part."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.console.conftest import NIGHT_NS, Console, MemoryDesk, WallClock, peopled, running
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, PerMessageDeflate
from websockets.frames import Frame
from websockets.protocol import State
from websockets.sync.client import ClientConnection, connect
from websockets.uri import parse_uri

from marsad.console.desk import Events, PictureMoved, Told
from marsad.console.feed import Encoded
from marsad.console.patient import send_frame, text_frame
from marsad.console.server import Terms
from marsad.kernel.act import Person
from marsad.kernel.event import AlertRaised, CameraLost

Message = dict[str, Any]


@contextlib.contextmanager
def follow(console: Console, client: httpx.Client, since: object = None) -> Iterator[ClientConnection]:
    headers = {"Cookie": f"marsad={client.cookies['marsad']}"}
    address = console.feed if since is None else f"{console.feed}?since={since}"
    with connect(address, additional_headers=headers, max_size=None) as link:
        yield link


def take(link: ClientConnection) -> Message:
    message: Message = json.loads(link.recv(timeout=5))
    return message


def note(client: httpx.Client, number: int) -> int:
    answer = client.post("/api/acts", json={"type": "note_shift", "act_id": f"n{number}", "text": f"note {number}"})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["sequence"])


def notes(message: Message) -> list[str]:
    return [each["event"]["decision"] for each in message["events"] if each["event"]["type"] == "officer_decision"]


def test_everything_first_and_then_what_happens(console: Console) -> None:
    client = console.enter("omar")
    with follow(console, client) as link:
        hello = take(link)
        assert hello["type"] == "hello"
        assert hello["state"] == client.get("/api/state").json()
        sequences = [note(client, number) for number in range(5)]
        told = [take(link) for _ in range(5)]
        assert [each["type"] for each in told] == ["events"] * 5
        assert [each["sequence"] for each in told] == sequences
        assert [notes(each) for each in told] == [[f"note {number}"] for number in range(5)]


def test_who_was_away_is_told_what_was_missed_and_no_more(console: Console) -> None:
    client = console.enter("omar")
    with follow(console, client) as link:
        known = take(link)["sequence"]
        note(client, 0)
        known = take(link)["sequence"]
    for number in range(1, 4):
        note(client, number)
    with follow(console, client, known) as link:
        missed = take(link)
        assert missed["type"] == "events"
        assert notes(missed) == ["note 1", "note 2", "note 3"]
        assert [each["sequence"] for each in missed["events"]] == sorted(each["sequence"] for each in missed["events"])
        assert take(link)["type"] == "pulse"
        note(client, 4)
        assert notes(take(link)) == ["note 4"]
    with follow(console, client, 10**9) as link:
        assert take(link)["type"] == "hello"


@pytest.mark.parametrize("since", ["x", "1.5", "", "--1", "9" * 30, "٣x"])
def test_a_place_that_is_none_is_said_to_be_none(console: Console, since: str) -> None:
    with follow(console, console.enter("omar"), since) as link:
        with contextlib.suppress(ConnectionClosed):
            assert take(link)["type"] == "hello"
            return
        assert link.close_code == 4400


def test_the_door_is_watched_by_supervisors_alone(console: Console) -> None:
    operator, supervisor = console.enter("omar"), console.enter("sara")
    with follow(console, operator) as plain, follow(console, supervisor) as whole:
        take(plain), take(whole)
        console.enter("vian")
        note(operator, 1)
        assert take(whole)["events"][0]["event"]["happening"] == "signed_in"
        assert notes(take(plain)) == ["note 1"]
    query = {"from": 0, "to": NIGHT_NS * 2}
    assert "access_logged" not in operator.get("/api/events", params=query).text
    assert "access_logged" in supervisor.get("/api/events", params=query).text


def test_a_patrol_is_told_what_concerns_it(console: Console) -> None:
    patrol, operator = console.enter("patrol 1"), console.enter("omar")
    with follow(console, patrol) as link:
        hello = take(link)
        assert [each["dispatch_id"] for each in hello["state"]["dispatches"]] == ["D1"]
        note(operator, 1)
        lost = CameraLost(time_ns=NIGHT_NS, camera_id="C1", detail="")
        console.on_loop(lambda: console.desk.append([lost]))
        console.on_loop(lambda: console.desk.tell(PictureMoved(sequence=9, time_ns=NIGHT_NS, gone=("T1",))))
        answer(operator, "D2")
        console.on_loop(lambda: console.desk.tell(console.desk.pulse()))
        pulse = take(link)
        assert (pulse["type"], pulse["now_ns"], pulse["figures"], pulse["cameras"]) == ("pulse", NIGHT_NS, None, [])
        answer(patrol, "D1", "phone")
        again = take(link)
        assert again["type"] == "hello"
        assert [each["state"] for each in again["state"]["dispatches"]] == ["accepted"]
        assert again["sequence"] > hello["sequence"]
        for told in (hello, again):
            for foreign in ("I2", "D2", "P2", "a source told us", 'opened_by":"omar', "C1"):
                assert foreign not in json.dumps(told, separators=(",", ":")), foreign
            assert "keep off" in json.dumps(told)


def answer(client: httpx.Client, dispatch_id: str, via: str = "radio") -> None:
    act = {
        "type": "answer_order", "act_id": f"{dispatch_id}-{via}", "dispatch_id": dispatch_id, "says": "accepted",
        "time_ns": NIGHT_NS, "via": via,
    }  # fmt: skip
    assert client.post("/api/acts", json=act).status_code == 200


def test_a_message_is_encoded_once_for_all_who_see_the_same() -> None:
    encoded = Encoded(MemoryDesk())
    moved = PictureMoved(sequence=1, time_ns=1)
    lost = Events(sequence=2, events=(Told(sequence=2, event=CameraLost(time_ns=1, camera_id="C1", detail="")),))
    viewers = [Person(name=name, role="viewer") for name in ("a", "b")]
    for message in (moved, lost):
        texts = {id(encoded.frame(message, person)) for person in viewers}
        assert len(texts) == 1
    for number in range(200):
        encoded.frame(PictureMoved(sequence=number, time_ns=number), viewers[0])
    assert encoded.frame(moved, viewers[0]) == encoded.frame(moved, viewers[1])


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        (None, False),
        (ClientPerMessageDeflateFactory(client_max_window_bits=True), True),
        (ClientPerMessageDeflateFactory(server_max_window_bits=10), True),
    ],
)
def test_a_browser_gets_the_feed_compressed_only_as_it_can_read_it(
    console: Console, offered: ClientPerMessageDeflateFactory | None, agreed: bool
) -> None:
    client = console.enter("omar")
    headers = {"Cookie": f"marsad={client.cookies['marsad']}"}
    asked = None if offered is None else [offered]
    with connect(
        console.feed, additional_headers=headers, compression=None, extensions=asked, max_size=None
    ) as link:  # fmt: skip
        assert bool(link.protocol.extensions) is agreed
        assert take(link)["state"] == client.get("/api/state").json()
        for number in range(3):
            note(client, number)
            assert notes(take(link)) == [f"note {number}"]


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_frame_is_what_it_was_made_of(length: int) -> None:
    """As a client reads it, and as it is unpacked for servers that frame by themselves."""
    text = ("\u0639" * length).encode()
    frame = text_frame(text)
    unpacks = PerMessageDeflate(
        remote_no_context_takeover=True, local_no_context_takeover=True, remote_max_window_bits=15,
        local_max_window_bits=15,
    )  # fmt: skip
    for sent_as, extensions in ((frame.plain, []), (frame.deflated, [unpacks])):
        client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN)
        client.extensions = extensions
        client.receive_data(sent_as)
        assert b"".join(bytes(each.data) for each in client.events_received() if isinstance(each, Frame)) == text
    assert len(frame.deflated) <= len(frame.plain)
    sent: list[Any] = []

    async def send(message: object) -> None:
        sent.append(message)

    asyncio.run(send_frame({}, send, frame))  # type: ignore[typeddict-item]
    assert sent[0]["text"].encode() == text


def test_a_browser_that_takes_nothing_is_let_go_and_the_others_notice_nothing() -> None:
    with running(MemoryDesk(), peopled(), WallClock(), Terms(send_s=0.5)) as console:
        client = console.enter("omar")
        with socket.create_connection(("127.0.0.1", console.port)) as stuck:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.sendall(
                f"GET /api/feed HTTP/1.1\r\nHost: 127.0.0.1:{console.port}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
                f"Cookie: marsad={client.cookies['marsad']}\r\n\r\n".encode()
            )
            with follow(console, client) as link:
                take(link)
                deadline = time.monotonic() + 10
                while len(console.desk.followers) < 2 and time.monotonic() < deadline:
                    time.sleep(0.05)
                long = AlertRaised.__name__ * 20_000
                for number in range(40):
                    lost = CameraLost(time_ns=NIGHT_NS, camera_id=f"C{number}", detail=long)
                    console.on_loop(lambda lost=lost: console.desk.append([lost]))
                    assert take(link)["events"][0]["event"]["camera_id"] == f"C{number}"
                while len(console.desk.followers) > 1 and time.monotonic() < deadline:
                    time.sleep(0.05)
                assert len(console.desk.followers) == 1
                note(client, 1)
                assert notes(take(link)) == ["note 1"]


def test_who_leaves_is_not_followed_any_more(console: Console) -> None:
    client = console.enter("omar")
    with follow(console, client) as link:
        take(link)
        assert len(console.desk.followers) == 1
        link.send("what a browser says is not listened to")
        note(client, 1)
        assert notes(take(link)) == ["note 1"]
    deadline = time.monotonic() + 5
    while console.desk.followers and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not console.desk.followers
