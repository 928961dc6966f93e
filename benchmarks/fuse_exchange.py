"""Eight loops of exchange between two organisations: a rumour that confirms itself, and one that does not.

Two masts 2.5 km apart, one of each organisation, watch the same walker for a minute from 3 km; each side filters what
its own camera measures. Then each tells the other what it knows, takes the answer for its own and tells it again, eight
times. `naive` adds the two up as if their errors had nothing to do with each other; `ci` is the joint picture.
Printed are RMSE and NEES for each degree of freedom, which is one where a side is as sure as it may be.
"""

import math

import numpy as np
from numpy.typing import NDArray

from figures import Target, command, show
from marsad.fuse.combine import Joint
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.picture import PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position

Floats = NDArray[np.float64]
Known = tuple[Floats, Floats]

S = 10**9
MASTS = {"east": (1250.0, 0.0), "west": (-1250.0, 0.0)}
WALKER = (0.0, 2730.0)
HEIGHT_M, SIGMA_RAD, SECONDS, AGILITY = 30.0, 5e-4, 60, 0.05
FRAME = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0))


def noise(mast: tuple[float, float]) -> Floats:
    """The covariance of one measured place: thin across the line of sight, long along it."""
    away = np.array(WALKER) - mast
    far = float(np.hypot(*away))
    along = away / far
    across = np.array([along[1], -along[0]])
    return (
        np.outer(along, along) * (far**2 * SIGMA_RAD / HEIGHT_M) ** 2
        + np.outer(across, across) * (far * SIGMA_RAD) ** 2
    )


def watched(rng: np.random.Generator) -> tuple[Floats, dict[str, Known]]:
    """The walker's last state (4), and what each side makes of it: mean (4) and covariance (4, 4)."""
    step, drive = np.eye(4), np.zeros((4, 4))
    step[0, 2] = step[1, 3] = 1.0
    for axis in range(2):
        drive[axis, axis], drive[axis, axis + 2], drive[axis + 2, axis] = 1 / 3, 1 / 2, 1 / 2
        drive[axis + 2, axis + 2] = 1.0
    drive *= AGILITY
    truth = np.array([*WALKER, *rng.normal(0, 1, 2)])
    noises = {name: noise(mast) for name, mast in MASTS.items()}
    known: dict[str, Known] = {}
    for second in range(SECONDS):
        truth = step @ truth + rng.multivariate_normal(np.zeros(4), drive)
        for name, cover in noises.items():
            seen = rng.multivariate_normal(truth[:2], cover)
            if not second:
                spread = np.eye(4)
                spread[:2, :2] = cover
                known[name] = np.array([*seen, 0.0, 0.0]), spread
                continue
            mean, spread = known[name]
            mean, spread = step @ mean, step @ spread @ step.T + drive
            gain = np.linalg.solve(spread[:2, :2] + cover, spread[:2]).T
            known[name] = mean + gain @ (seen - mean[:2]), spread - gain @ spread[:2]
    return truth, known


def told(name: str, known: Known, time_ns: int) -> PictureTrack:
    """What a side knows, as a track that nobody sees is not its own."""
    mean, spread = known
    east, north, rate_east, rate_north = mean.tolist()
    ground = GroundState(
        position=FRAME.position(east, north), east_m=east, north_m=north, covariance=covariance(spread[:2, :2]),
        velocity_east_m_s=rate_east, velocity_north_m_s=rate_north, range_m=0.0,
    )  # fmt: skip
    return PictureTrack(
        track_id=name, origin=name, time_ns=time_ns, status="confirmed", ground=ground,
        velocity_covariance=covariance(spread[2:, 2:]), existence=1.0, first_ns=0, seen_ns=time_ns,
    )  # fmt: skip


def covariance(matrix: Floats) -> GroundCovariance:
    """A matrix (2, 2) as a record."""
    return GroundCovariance(
        east_m2=float(matrix[0, 0]), east_north_m2=float(matrix[0, 1]), north_m2=float(matrix[1, 1])
    )


def known_of(track: PictureTrack) -> Known:
    """A track as mean (4) and covariance (4, 4)."""
    ground, spread = track.ground, np.zeros((4, 4))
    for at, c in ((0, ground.covariance), (2, track.velocity_covariance)):
        spread[at : at + 2, at : at + 2] = (c.east_m2, c.east_north_m2), (c.east_north_m2, c.north_m2)
    mean = np.array([ground.east_m, ground.north_m, ground.velocity_east_m_s, ground.velocity_north_m_s])
    return mean, spread


def naive(one: Known, two: Known) -> Known:
    """The two as if their errors had nothing to do with each other."""
    a, b = np.linalg.inv(one[1]), np.linalg.inv(two[1])
    spread = np.linalg.inv(a + b)
    return spread @ (a @ one[0] + b @ two[0]), spread


def exchanged(known: dict[str, Known], loops: int) -> tuple[list[Known], list[Known], int]:
    """What both sides know after the loops, naively and jointly, and how many tracks they took it for at most."""
    rumour = dict(known)
    joint = {name: told(name, known[name], 60 * S) for name in MASTS}
    sides = {name: Joint(name, FRAME) for name in MASTS}
    most = 0
    for loop in range(1, loops + 1):
        for mine, other in (("east", "west"), ("west", "east")):
            rumour[mine] = naive(rumour[mine], rumour[other])
            time_ns = 60 * S + loop * 1000
            heard = told(other, known_of(joint[other]), time_ns)
            picture = sides[mine].update([joint[mine]], [heard], time_ns)
            most = max(most, len(picture))
            joint[mine] = told(mine, known_of(picture[0]), time_ns)
    return list(rumour.values()), [known_of(track) for track in joint.values()], most


def main() -> None:
    """Print the figures."""
    parser = command(__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--loops", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    off2: dict[str, list[float]] = {}
    agree: dict[str, list[float]] = {}
    most = 0
    for _ in range(asked.runs):
        truth, known = watched(rng)
        naively, jointly, tracks = exchanged(known, asked.loops)
        most = max(most, tracks)
        for how, results in (("alone", list(known.values())), ("naive", naively), ("ci", jointly)):
            for mean, spread in results:
                off = mean[:2] - truth[:2]
                off2.setdefault(how, []).append(float(off @ off))
                agree.setdefault(how, []).append(float(off @ np.linalg.solve(spread[:2, :2], off)) / 2)
    figures: dict[str, object] = {"runs": asked.runs, "loops": asked.loops}
    figures |= {f"{how}_rmse_m": round(math.sqrt(np.mean(squares)), 2) for how, squares in off2.items()}
    figures |= {f"{how}_nees_per_dof": round(float(np.mean(values)), 2) for how, values in agree.items()}
    figures["most_tracks_of_the_walker"] = most
    targets = [Target("ci_nees_per_dof", "at_most", 1.0), Target("most_tracks_of_the_walker", "at_most", 1)]
    show("fuse_exchange", figures, targets, as_json=asked.json)


if __name__ == "__main__":
    main()
