"""Frames per CPU second on a cluttered 640x512 scene at 2 Mb/s, one thread: decoding alone, Marsad, and the peer.

The peer is OpenCV's MOG2, connected components and ByteTrack. In each turn the three run side by side, one at a time
for a fraction of a second, in proportion to what it needs: a machine that is faster now than a minute later, or that
does other work, is so for all three alike. Figures are medians over the turns. Every CPU second of the process counts,
after a warm-up; only Marsad's rendering is left out. Needs `.venv-peers` (`make bench` makes it). The scene is made by
`benchmarks/scene.py`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from figures import ROOT, Target, command, show
from scene import encode

HERE = Path(__file__).resolve().parent
PEER_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
TARGETS = [
    Target("share_of_decode_alone", "at_least", 0.40),
    Target("times_the_peer", "at_least", 3.5),
]
SLICE_S = {"decode_alone": 0.1, "marsad": 0.2, "peer": 0.6}
"""In about the ratio of what they take, so that they end at about the same time."""
MEMORY_TARGET = Target("memory_growth_mib", "at_most", 16.0)


def side_by_side(contenders: Mapping[str, list[str]]) -> dict[str, float]:
    """Run the measuring scripts a slice at a time, and return each one's frames per CPU second."""
    with TemporaryDirectory() as folder:
        out = {name: Path(folder) / name for name in contenders}
        running: dict[str, subprocess.Popen[bytes]] = {}
        for name, arguments in contenders.items():
            with out[name].open("wb") as file:
                running[name] = subprocess.Popen(
                    arguments, stdout=file, stderr=subprocess.STDOUT, env=os.environ | ONE_THREAD
                )
            running[name].send_signal(signal.SIGSTOP)
        try:
            while alive := {name: process for name, process in running.items() if process.poll() is None}:
                for name, process in alive.items():
                    process.send_signal(signal.SIGCONT)
                    time.sleep(SLICE_S[name])
                    process.send_signal(signal.SIGSTOP)
        finally:
            for process in running.values():
                process.kill()
        said = {name: path.read_text() for name, path in out.items()}
    for name, process in running.items():
        if process.returncode:
            sys.exit(f"{' '.join(contenders[name])} failed:\n{said[name]}")
    measured = {name: json.loads(text.splitlines()[-1]) for name, text in said.items()}
    return {name: each["frames"] / each["cpu_s"] for name, each in measured.items()}


def _memory(video: str, frames: int) -> dict[str, float]:
    arguments = [sys.executable, str(HERE / "run_watch.py"), "memory", video, str(frames)]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, env=os.environ | ONE_THREAD)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure, compare, print."""
    parser = command(__doc__)
    parser.add_argument("--frames", type=int, default=1500, help="length of the scene (default 1500)")
    parser.add_argument("--turns", type=int, default=3, help="how often each is measured (default 3)")
    parser.add_argument("--memory-frames", type=int, default=100_000, help="0 leaves memory out (default 100000)")
    parser.add_argument("--without-marsad", action="store_true", help="only decoding and the peer")
    options = parser.parse_args()
    if not PEER_PYTHON.exists():
        sys.exit(f"{PEER_PYTHON} is not there: `make bench` makes it")
    with TemporaryDirectory() as folder:
        video = str(Path(folder) / "scene.mp4")
        bit_rate = encode(Path(video), options.frames)
        contenders = {
            "decode_alone": [sys.executable, str(HERE / "peer_decode.py"), video],
            "marsad": [sys.executable, str(HERE / "run_watch.py"), "cpu", video],
            "peer": [str(PEER_PYTHON), str(HERE / "peer_bytetrack.py"), video],
        }
        if options.without_marsad:
            del contenders["marsad"]
        turns: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(options.turns):
            for name, speed in side_by_side(contenders).items():
                turns[name].append(speed)
        memory = None
        if options.memory_frames and not options.without_marsad:
            memory = _memory(video, options.memory_frames)
    figures = _figures(turns, memory, bit_rate)
    targets = TARGETS + ([MEMORY_TARGET] if memory else [])
    show("speed", figures, targets, as_json=options.json)


def _figures(turns: dict[str, list[float]], memory: dict[str, float] | None, bit_rate: float) -> dict[str, object]:
    figures: dict[str, object] = {"bit_rate_mb_s": bit_rate / 1e6}
    for name, speeds in turns.items():
        figures[f"{name}_frames_per_cpu_s"] = median(speeds)
        figures[f"{name}_turns"] = [round(speed, 1) for speed in speeds]
    rounds = list(zip(*(turns.get(name, []) for name in ("decode_alone", "marsad", "peer")), strict=False))
    figures["share_of_decode_alone"] = median(ours / decode for decode, ours, _ in rounds) if rounds else None
    figures["times_the_peer"] = median(ours / peer for _, ours, peer in rounds) if rounds else None
    if memory:
        figures["memory_frames"] = memory["frames"]
        figures["memory_at_a_tenth_mib"] = memory["rss_tenth_bytes"] / 2**20
        figures["memory_at_the_end_mib"] = memory["rss_end_bytes"] / 2**20
        figures["memory_growth_mib"] = (memory["rss_end_bytes"] - memory["rss_tenth_bytes"]) / 2**20
    return figures


if __name__ == "__main__":
    main()
