"""How tall the watch's boxes are against who is in them: what the picture takes off before it tells ranges by heights.

`python benchmarks/box_heights.py [--scenes N]` plays crossings of the campaign's tuning seeds, each in another weather,
and holds the box of every track that stands on somebody's foot against how tall he is in the picture. Printed are the
differences in pixels, by height.
"""

import itertools

import numpy as np

from figures import command, show
from marsad.app.bench_watch import piece_rng
from marsad.app.bench_watch_piece import play
from marsad.kernel.error import InputError
from marsad.simulate.campaign import Piece

AIRS = ("clear", "haze", "dust", "rain")
FIRST = 900
EDGES_PX = (5.0, 7.0, 9.0, 12.0, 18.0, 30.0)
LEAST = 20


def differences(number: int) -> np.ndarray:
    """Heights in pixels of those seen in a scene (N, 2): true ones, and those of their boxes."""
    piece = Piece(part="crossing", number=FIRST + number, seconds=160.0, air=AIRS[number % 4], boxes=True)
    _, boxes, _ = play(piece, piece_rng(piece, "tune"))
    frame, found = boxes.truth[:, 0].astype(int), []
    for track in boxes.tracks:
        there = boxes.truth[frame == int(track[0])]
        aside = np.abs(there[:, 2] + there[:, 4] / 2 - track[2] - track[4] / 2)
        above = np.abs(there[:, 3] + there[:, 5] - track[3] - track[5])
        mine = (aside < 0.6 * np.maximum(there[:, 4], track[4]) + 1) & (above < np.maximum(3, 0.4 * there[:, 5]))
        if mine.any():
            found.append((there[np.argmin(np.where(mine, aside + above, np.inf)), 5], track[5]))
    return np.array(found).reshape(-1, 2)


def main() -> None:
    """Play, and print by height."""
    parser = command(__doc__)
    parser.add_argument("--scenes", type=int, default=6)
    asked = parser.parse_args()
    if asked.scenes < 1:
        raise InputError("--scenes must be 1 or more")
    heights = np.concatenate([differences(number) for number in range(asked.scenes)])
    taller = heights[:, 1] - heights[:, 0]
    figures: dict[str, object] = {"boxes": len(heights)}
    for low, high in itertools.pairwise(EDGES_PX):
        inside = taller[(heights[:, 0] >= low) & (heights[:, 0] < high)]
        if len(inside) >= LEAST:
            name = f"of_{low:g}_to_{high:g}_px"
            figures[f"{name}_boxes"] = len(inside)
            for share in (16, 50, 84):
                figures[f"{name}_taller_px_p{share}"] = round(float(np.percentile(inside, share)), 2)
    show("box_heights", figures, [], as_json=asked.json)


if __name__ == "__main__":
    main()
