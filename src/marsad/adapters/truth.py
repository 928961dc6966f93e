"""What a simulated scene really held, on the disk: MOT Challenge rows, every fact as JSON lines, paths as GeoJSON."""

from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec

from marsad.adapters.writing import replace_whole, write_refusal
from marsad.kernel.record import Record
from marsad.simulate.truth import ActorTruth, mot_text

_STEP_NS = 999_000_000
_SEEN = 0.5


class TruthFiles:
    """The truth of one camera being written: `truth.csv`, `truth.jsonl` and, once closed, `truth.geojson`.

    The CSV file has MOT Challenge columns and is what `marsad evaluate` reads; a line of the second holds all that is
    known of one actor in one picture, or of something near the lens. Paths have a point a second.
    """

    def __init__(self, folder: Path, camera_id: str) -> None:
        self._folder = folder
        self._camera_id = camera_id
        self._paths: dict[int, list[ActorTruth]] = {}
        self._files: list[IO[bytes]] = []
        try:
            self._files = [(folder / name).open("wb") for name in ("truth.csv", "truth.jsonl")]
        except OSError as error:
            raise write_refusal(folder / "truth.csv", error) from error

    def add(self, frame_index: int, truths: Sequence[ActorTruth], near: Sequence[Record] = ()) -> None:
        """Take the truth of one picture."""
        rows, facts = self._files
        lines = [msgspec.json.encode(truth) for truth in truths]
        lines += [msgspec.json.encode({"frame_index": frame_index, **msgspec.to_builtins(thing)}) for thing in near]
        try:
            rows.write(mot_text(truths).encode("ascii"))
            facts.writelines(line + b"\n" for line in lines)
        except OSError as error:
            raise write_refusal(self._folder / "truth.jsonl", error) from error
        for truth in truths:
            path = self._paths.setdefault(truth.actor_id, [])
            if not path or truth.time_ns - path[-1].time_ns >= _STEP_NS:
                path.append(truth)

    def close(self) -> list[str]:
        """Finish the files and return their names; safe to call twice."""
        try:
            for file in self._files:
                file.close()
        except OSError as error:
            raise write_refusal(self._folder / "truth.jsonl", error) from error
        features = [_feature(self._camera_id, path) for _, path in sorted(self._paths.items())]
        content = msgspec.json.encode({"type": "FeatureCollection", "features": features})
        replace_whole(self._folder / "truth.geojson", content)
        return ["truth.csv", "truth.jsonl", "truth.geojson"]


def _feature(camera_id: str, path: Sequence[ActorTruth]) -> dict[str, object]:
    """One actor's way over the ground; heights are metres above the terrain's own zero."""
    line = [
        [truth.position.longitude_deg, truth.position.latitude_deg, round(truth.position.height_m, 2)] for truth in path
    ]
    first = path[0]
    geometry = {"type": "LineString", "coordinates": line} if len(line) > 1 else _point(line[0])
    properties = {
        "feature": "truth",
        "camera_id": camera_id,
        "actor_id": first.actor_id,
        "kind": first.kind,
        "role": first.role,
        "party": first.party,
        "times_ns": [truth.time_ns for truth in path],
        "seen": [truth.visible >= _SEEN for truth in path],
        "visible": [round(truth.visible, 3) for truth in path],
        "height_px": [round(truth.height_px, 2) for truth in path],
        "snr": [round(truth.snr, 2) for truth in path],
    }
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _point(place: list[float]) -> dict[str, object]:
    return {"type": "Point", "coordinates": place}
