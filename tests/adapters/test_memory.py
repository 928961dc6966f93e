"""The fakes that ship with the product keep the ports' promises."""

import numpy as np
import pytest

from marsad.adapters.memory import (
    MemoryAccounts,
    MemoryClock,
    MemoryDetectorModel,
    MemoryElevationSource,
    MemoryEventLog,
    MemoryFrameSource,
    MemoryNotifier,
    MemoryTransport,
)
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.event import FrameGap, StreamEnded
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.port import (
    Accounts,
    Classified,
    Clock,
    DetectorModel,
    ElevationSource,
    EventLog,
    FrameSource,
    Notifier,
    Transport,
)


def frame(index: int, width_px: int = 8) -> Frame:
    counts = np.full((6, width_px), index, np.uint16)
    return Frame(camera_id="c", index=index, time_ns=index * 10, received_ns=index * 10, counts=counts)


def test_every_port_has_a_fake_that_fits() -> None:
    """mypy checks the assignments; running them shows that nothing is abstract."""
    log: EventLog = MemoryEventLog()
    source: FrameSource = MemoryFrameSource("c", [frame(0)])
    clock: Clock = MemoryClock()
    notifier: Notifier = MemoryNotifier()
    transport: Transport = MemoryTransport.pair()[0]
    accounts: Accounts = MemoryAccounts()
    model: DetectorModel = MemoryDetectorModel(lambda _: [])
    grid = ElevationGrid(crs="EPSG:4326", west=0, north=1, step_x=1, step_y=1, height_m=np.zeros((1, 1), np.float32))
    elevation: ElevationSource = MemoryElevationSource(grid)
    assert all((log, source, clock, notifier, transport, model, elevation, accounts))


def test_a_source_gives_its_items_and_its_end() -> None:
    gap = FrameGap(time_ns=15, camera_id="c", after_index=1, gap_ns=5, missing=1)
    source = MemoryFrameSource("c", [frame(0), frame(1), gap, frame(2)], fps=9.0)
    assert (source.info.width_px, source.info.height_px, source.info.bits, source.info.frames) == (8, 6, 16, 3)
    items = list(source)
    assert items[2] == gap
    assert items[-1] == StreamEnded(time_ns=20, camera_id="c", frames=3)
    assert [item.index for item in items if isinstance(item, Frame)] == [0, 1, 2]
    source.close()
    source.close()
    assert list(source) == []


def test_a_source_that_says_its_end_is_not_ended_twice() -> None:
    end = StreamEnded(time_ns=99, camera_id="c", frames=1)
    assert [type(item) for item in MemoryFrameSource("c", [frame(0), end])] == [Frame, StreamEnded]


def test_a_source_without_pictures_or_with_two_sizes_is_refused() -> None:
    with pytest.raises(InputError, match="no picture"):
        MemoryFrameSource("c", [])
    with pytest.raises(InputError, match="differ in size"):
        MemoryFrameSource("c", [frame(0), frame(1, width_px=9)])


def test_the_clock_is_set_by_hand_and_sleep_moves_it() -> None:
    clock = MemoryClock(5)
    clock.sleep(1.5)
    clock.sleep(-1)
    assert clock.now_ns() == 1_500_000_005
    clock.set(3)
    assert clock.now_ns() == 3


def test_a_notifier_keeps_texts_and_can_be_down() -> None:
    notifier = MemoryNotifier()
    notifier.notify("one")
    notifier.down = True
    with pytest.raises(UnavailableError, match="two"):
        notifier.notify("two")
    assert notifier.texts == ["one"]


def test_a_link_carries_both_ways_and_loses_nothing_over_an_outage() -> None:
    here, there = MemoryTransport.pair()
    here.send(b"a")
    there.send(b"z")
    there.down = True
    with pytest.raises(UnavailableError):
        there.receive()
    with pytest.raises(UnavailableError):
        there.send(b"y")
    here.send(b"b")
    there.down = False
    assert there.receive() == b"ab"
    assert there.receive() == b""
    assert here.receive() == b"z"


def test_a_detector_is_a_function_and_the_surest_comes_first() -> None:
    def look(crop: Counts) -> list[Classified]:
        warm = float(crop.mean())
        return [Classified(kind="animal", confidence=0.1), Classified(kind="person", confidence=warm)]

    found = MemoryDetectorModel(look).detect([np.full((2, 2), 1, np.uint8), np.zeros((2, 2), np.uint8)])
    assert [[item.kind for item in items] for items in found] == [["person", "animal"], ["animal", "person"]]


def test_heights_are_cut_from_the_grid_at_cell_centres() -> None:
    heights = np.arange(20, dtype=np.float32).reshape(4, 5)
    grid = ElevationGrid(crs="EPSG:4326", west=40, north=35, step_x=0.1, step_y=0.1, height_m=heights)
    part = MemoryElevationSource(grid).load(40.12, 34.72, 40.32, 34.88)
    assert part.height_m.tolist() == [[6.0, 7.0], [11.0, 12.0]]
    assert (part.west, part.north) == (pytest.approx(40.1), pytest.approx(34.9))
    with pytest.raises(InputError, match=r"the grid covers 40, 34\.6 to 40\.5, 35"):
        MemoryElevationSource(grid).load(10, 10, 11, 11)
    utm = ElevationGrid(crs="EPSG:32637", west=0, north=1, step_x=1, step_y=1, height_m=heights)
    with pytest.raises(InputError, match="EPSG:32637"):
        MemoryElevationSource(utm)
