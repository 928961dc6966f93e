"""Stone Soup on the scenes of `fuse_linear.py` and its like, run inside `.venv-peers`.

`python benchmarks/peer_stonesoup.py SCENE.npz... --engine NAME --settings LIST --out DIR` leaves, for each setting in a
JSON list, what a tracker reports after each look as DIR/SCENE-NAME-NUMBER.npz: rows `look`, `track`, `place_m` and
`covariance`, and `seconds` of processor time for each look. A look that takes more than --limit ends the scene there.

Engines: `gnn` is global nearest neighbour by 2-D assignment; `jpda` is joint probabilistic data association, exact;
`jpda_lbp` is its approximation by belief propagation. What Stone Soup works out once for all steps is worked out once.
"""

import argparse
import datetime as dt
import itertools
import json
import signal
import sys
import time
import warnings
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import numpy as np

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ENGINES = ("gnn", "jpda", "jpda_lbp")


class Settings(NamedTuple):
    """What is tuned.

    `weigh` is "distance" (Mahalanobis, `missed` for no detection) or "probability" (within a gate of the probability
    `gate`); `jpda` always weighs by probability, but begins tracks by what is said here. `near` is how neighbours are
    found: by a tree of "detections" within `reach_m`, by one of "tracks", or "none". So many `points` make a track,
    `lose_s` without one end it, `drop_s` end one that is not made yet. `noise` and `false` multiply the true densities.
    `mount` adds what is known of the mounts' errors to the covariances of measurements.
    """

    weigh: str = "distance"
    near: str = "detections"
    reach_m: float = 20.0
    missed: float = 3.0
    gate: float = 0.999
    detection: float = 0.9
    points: int = 5
    lose_s: float = 3.0
    drop_s: float = 2.0
    noise: float = 1.0
    false: float = 1.0
    mount: bool = False


class TooLongError(Exception):
    """A look took longer than allowed."""


def as_looks(held: dict[str, np.ndarray], *, mount: bool) -> list[tuple[dt.datetime, set]]:
    """The looks of a scene as Stone Soup takes them; measurements of one covariance share their model."""
    from stonesoup.models.measurement.linear import LinearGaussian  # noqa: PLC0415 - only this environment has it
    from stonesoup.types.detection import Detection  # noqa: PLC0415 - the same

    covariances = held["place_covariance"] + (held["mount_covariance"] if mount else 0.0)
    looks = []
    models: dict[bytes, LinearGaussian] = {}
    for number, time_ns in enumerate(held["look_time_ns"].tolist()):
        when = START + dt.timedelta(microseconds=time_ns / 1000)
        found = set()
        for row in np.flatnonzero((held["look"] == number) & np.isfinite(held["place_m"][:, 0])):
            key = covariances[row].tobytes()
            if key not in models:
                models[key] = LinearGaussian(4, (0, 2), covariances[row])
            found.add(Detection(held["place_m"][row][:, None], timestamp=when, measurement_model=models[key]))
        looks.append((when, found))
    return looks


def step_s(looks: list) -> float | None:
    """The time between any look and the next; None where it is not always the same."""
    steps = {(later - earlier).total_seconds() for (earlier, _), (later, _) in itertools.pairwise(looks)}
    return steps.pop() if len(steps) == 1 else None


def motion(noise: float, looks: list) -> "object":
    """Nearly constant velocity; worked out once where all steps are alike, which halves the time of everything."""
    from stonesoup.models.transition import linear  # noqa: PLC0415 - only this environment has it

    model = linear.CombinedLinearGaussianTransitionModel([linear.ConstantVelocity(noise)] * 2)
    step = step_s(looks)
    if step is None:
        return model
    after = dt.timedelta(seconds=step)
    return linear.LinearGaussianTimeInvariantTransitionModel(
        transition_matrix=model.matrix(time_interval=after), covariance_matrix=model.covar(time_interval=after)
    )


def deleter(after_s: float, looks: list) -> "object":
    """What ends tracks so long without a measurement."""
    from stonesoup.deleter import time as deleters  # noqa: PLC0415 - only this environment has it

    step = step_s(looks)
    if step is None:
        return deleters.UpdateTimeDeleter(dt.timedelta(seconds=after_s - 0.001))
    return deleters.UpdateTimeStepsDeleter(round(after_s / step))


def build(engine: str, settings: Settings, held: dict[str, np.ndarray], looks: list) -> "object":
    """A Stone Soup tracker that goes through the looks."""
    from stonesoup.dataassociator import tree  # noqa: PLC0415 - only this environment has it
    from stonesoup.dataassociator.neighbour import GNNWith2DAssignment  # noqa: PLC0415 - the same
    from stonesoup.dataassociator.probability import JPDAwithEHM2, JPDAwithLBP  # noqa: PLC0415 - the same
    from stonesoup.hypothesiser.distance import DistanceHypothesiser  # noqa: PLC0415 - the same
    from stonesoup.hypothesiser.probability import PDAHypothesiser  # noqa: PLC0415 - the same
    from stonesoup.initiator.simple import MultiMeasurementInitiator  # noqa: PLC0415 - the same
    from stonesoup.measures import Mahalanobis  # noqa: PLC0415 - the same
    from stonesoup.predictor.kalman import KalmanPredictor  # noqa: PLC0415 - the same
    from stonesoup.tracker.simple import MultiTargetMixtureTracker, MultiTargetTracker  # noqa: PLC0415 - the same
    from stonesoup.types.state import GaussianState  # noqa: PLC0415 - the same
    from stonesoup.updater.kalman import KalmanUpdater  # noqa: PLC0415 - the same

    class NearLbp(tree.DetectionKDTreeMixIn, JPDAwithLBP):
        """Belief propagation among what a tree finds near; by itself it weighs all against all."""

        def associate(self, tracks: set, detections: set, timestamp: dt.datetime, **_: object) -> dict:
            hypotheses = self.generate_hypotheses(tracks, detections, timestamp)
            if not hypotheses or not detections:
                return hypotheses
            return self._compute_multi_hypotheses(tracks, detections, hypotheses, timestamp)

    class NearExact(tree.DetectionKDTreeMixIn, JPDAwithEHM2):
        """Exact association among what a tree finds near."""

    noise = float(held["acceleration_m2_s3"]) * settings.noise
    predictor = KalmanPredictor(motion(noise, looks))
    updater = KalmanUpdater(None)
    area = float(np.prod(held["high_m"] - held["low_m"]))
    density = max(float(held["false_per_look"]), 0.1) / area * settings.false
    probable = PDAHypothesiser(predictor, updater, density, prob_detect=settings.detection, prob_gate=settings.gate)
    nearest = DistanceHypothesiser(predictor, updater, Mahalanobis(), missed_distance=settings.missed)

    def associator(by_near: dict[str, type], hypothesiser: object) -> object:
        kind = by_near[settings.near]
        if settings.near == "detections":
            return kind(hypothesiser, predictor, updater, max_distance=settings.reach_m)
        if settings.near == "tracks":
            model = next(one.measurement_model for _, found in looks for one in found)
            return kind(hypothesiser, model, dt.timedelta(seconds=5))
        return kind(hypothesiser)

    kinds = {
        "gnn": {"detections": tree.DetectionKDTreeGNN2D, "tracks": tree.TPRTreeGNN2D, "none": GNNWith2DAssignment},
        "jpda": {"detections": NearExact, "none": JPDAwithEHM2},
        "jpda_lbp": {"detections": NearLbp, "none": JPDAwithLBP},
    }
    single = nearest if settings.weigh == "distance" else probable
    speed2 = float(held["speed_sigma_m_s"]) ** 2
    initiator = MultiMeasurementInitiator(
        prior_state=GaussianState(np.zeros((4, 1)), np.diag([0.0, speed2, 0.0, speed2])),
        deleter=deleter(settings.drop_s, looks),
        data_associator=associator(kinds["gnn"], single),
        updater=updater,
        min_points=settings.points,
    )
    return (MultiTargetTracker if engine == "gnn" else MultiTargetMixtureTracker)(
        initiator=initiator,
        deleter=deleter(settings.lose_s, looks),
        detector=looks,
        data_associator=associator(kinds[engine], single if engine == "gnn" else probable),
        updater=updater,
    )


def run(engine: str, settings: Settings, held: dict[str, np.ndarray], limit_s: float) -> dict[str, np.ndarray]:
    """What a tracker reports after each look, until one takes too long."""
    looks = as_looks(held, mount=settings.mount)
    moments = iter(build(engine, settings, held, looks))
    numbers: dict[str, int] = {}
    rows, seconds, begun_s = [], [], time.process_time()

    def check(_signal: int, _frame: FrameType | None) -> None:
        if time.process_time() - begun_s > limit_s:
            raise TooLongError

    # A timer of processor time would make the clock of processor time step by 4 ms.
    signal.signal(signal.SIGALRM, check)
    signal.setitimer(signal.ITIMER_REAL, 1.0, 1.0)
    try:
        for look in range(len(looks)):
            begun_s = time.process_time()
            _, tracks = next(moments)
            seconds.append(time.process_time() - begun_s)
            for track in tracks:
                state = track[-1]
                number = numbers.setdefault(track.id, len(numbers))
                covariance = np.asarray(state.covar, float)[np.ix_([0, 2], [0, 2])]
                rows.append((look, number, np.asarray(state.state_vector, float)[[0, 2], 0], covariance))
    except TooLongError:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
    return {
        "look": np.array([row[0] for row in rows], np.int64),
        "track": np.array([row[1] for row in rows], np.int64),
        "place_m": np.array([row[2] for row in rows]).reshape(-1, 2),
        "covariance": np.array([row[3] for row in rows]).reshape(-1, 2, 2),
        "seconds": np.array(seconds),
    }


def main() -> None:
    """Run one engine on every scene given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=Path, nargs="+")
    parser.add_argument("--engine", choices=ENGINES, required=True)
    parser.add_argument("--settings", type=json.loads, default=[{}])
    parser.add_argument("--limit", type=float, default=60.0, help="seconds of processor time for one look")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for path in options.scenes:
        with np.load(path) as file:
            held = dict(file)
        for number, settings in enumerate(options.settings):
            said = run(options.engine, Settings(**settings), held, options.limit)
            np.savez_compressed(options.out / f"{path.stem}-{options.engine}-{number}.npz", **said)


if __name__ == "__main__":
    sys.exit(main())
