"""How sure a measured figure is: exact intervals of shares and rates, percentiles, calibration, honest ellipses."""

import itertools
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from scipy.special import betaincinv, gammaincinv, stdtrit

from marsad.kernel.error import InputError
from marsad.kernel.record import Record

LEVEL: Final = 0.95
CHI2_2_95: Final = -2 * math.log(0.05)
"""The squared Mahalanobis distance that 95 % of a normal distribution in the plane lies within."""


class Share(Record):
    """How many of how many, and between which shares the true one lies; None where nothing was tried."""

    found: int
    of: int
    share: float | None
    low: float
    high: float


class Rate(Record):
    """How many events in so much exposure, and between which rates the true one lies; None without exposure."""

    count: int
    exposure: float
    rate: float | None
    low: float
    high: float


class Mean(Record):
    """A mean, and between what the true one lies; None without values, and no bounds with only one."""

    mean: float | None
    low: float | None
    high: float | None


class Bin(Record):
    """A share among what lies from `low` up to, not including, `high`; `mean` is the mean of what was sorted."""

    low: float
    high: float
    mean: float | None
    share: Share


class Calibration(Record):
    """How stated probabilities agree with what came true.

    `error` is the expected calibration error (the mean distance between stated and true over the bins, weighted by
    their numbers), `brier` the mean squared error of the statement.
    """

    bins: tuple[Bin, ...]
    samples: int
    error: float | None
    brier: float | None


class Honesty(Record):
    """How the errors of positions agree with their stated ellipses.

    `inside` is the share of truths inside the 95 % ellipse; samples of one scene share its pose and terrain errors, so
    that its bounds come from the scatter between scenes. `nees` is the mean squared Mahalanobis distance for each
    degree of freedom: 1 when honest, more when errors are larger than stated.
    """

    samples: int
    scenes: int
    inside: float | None
    low: float
    high: float
    nees: float | None
    median_error_m: float | None
    p95_error_m: float | None


def exact_share(found: int, of: int, level: float = LEVEL) -> Share:
    """A share with its exact two-sided interval. Source: Clopper and Pearson, Biometrika 26 (1934) 404-413.

    Raises: InputError where `found` is not among `of`.
    """
    if not 0 <= found <= of:
        raise InputError(f"{found} of {of}: what was found must be among what was tried")
    tail = (1 - level) / 2
    low = 0.0 if found == 0 else float(betaincinv(found, of - found + 1, tail))
    high = 1.0 if found == of else float(betaincinv(found + 1, of - found, 1 - tail))
    return Share(found=found, of=of, share=found / of if of else None, low=low, high=high)


def exact_rate(count: int, exposure: float, level: float = LEVEL) -> Rate:
    """A rate with its exact two-sided interval. Source: Garwood, Biometrika 28 (1936) 437-442.

    Raises: InputError for a negative count or exposure.
    """
    if count < 0 or not exposure >= 0:
        raise InputError(f"{count} events in an exposure of {exposure}: neither can be below 0")
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(gammaincinv(count, tail))
    high = float(gammaincinv(count + 1, 1 - tail))
    if exposure == 0:
        return Rate(count=count, exposure=0.0, rate=None, low=0.0, high=math.inf)
    return Rate(count=count, exposure=exposure, rate=count / exposure, low=low / exposure, high=high / exposure)


def mean_of(values: Sequence[float], level: float = LEVEL) -> Mean:
    """The mean of values that scatter normally, with its interval by Student's t."""
    each = np.asarray(values, float)
    if not len(each):
        return Mean(mean=None, low=None, high=None)
    middle = float(each.mean())
    if len(each) == 1:
        return Mean(mean=middle, low=None, high=None)
    reach = float(stdtrit(len(each) - 1, 0.5 + level / 2)) * float(each.std(ddof=1)) / math.sqrt(len(each))
    return Mean(mean=middle, low=middle - reach, high=middle + reach)


def percentile(values: Iterable[float], share: float) -> float | None:
    """The smallest value that at least this share of the values do not exceed; infinite ones count, None has none."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(math.ceil(share * len(ordered) - 1e-9) - 1, 0)]


def binned(values: Sequence[float], found: Sequence[bool], edges: Sequence[float]) -> tuple[Bin, ...]:
    """The share found in each bin between edges in order; what lies outside all of them is left out."""
    which = np.digitize(np.asarray(values, float), edges) - 1
    good = np.asarray(found, bool)
    bins = []
    for number, (low, high) in enumerate(itertools.pairwise(edges)):
        here = which == number
        count = int(np.count_nonzero(here))
        mean = float(np.asarray(values, float)[here].mean()) if count else None
        share = exact_share(int(np.count_nonzero(good & here)), count)
        bins.append(Bin(low=float(low), high=float(high), mean=mean, share=share))
    return tuple(bins)


def calibration(stated: Sequence[float], right: Sequence[bool], steps: int = 10) -> Calibration:
    """How probabilities stated (0..1) agree with what came true, in bins of equal width, the last one closed."""
    edges = [*np.linspace(0, 1, steps + 1)[:-1].tolist(), math.nextafter(1.0, 2.0)]
    bins = binned(stated, right, edges)
    total = len(stated)
    if total == 0:
        return Calibration(bins=bins, samples=0, error=None, brier=None)
    apart = sum(each.share.of * abs((each.share.share or 0.0) - (each.mean or 0.0)) for each in bins)
    squared = np.square(np.asarray(stated, float) - np.asarray(right, float))
    return Calibration(bins=bins, samples=total, error=apart / total, brier=float(squared.mean()))


def honesty(distances2: Sequence[float], errors_m: Sequence[float], scenes: Sequence[Hashable]) -> Honesty:
    """How honest ellipses are, from squared Mahalanobis distances, errors and the scene each sample is from.

    The bounds are of a ratio estimator over clusters. Source: Cochran, Sampling Techniques (1977), section 3.12.
    """
    if not distances2:
        return Honesty(
            samples=0, scenes=0, inside=None, low=0.0, high=1.0, nees=None, median_error_m=None, p95_error_m=None
        )
    squared = np.asarray(distances2, float)
    inside = squared <= CHI2_2_95
    share = float(inside.mean())
    _, cluster = np.unique([str(scene) for scene in scenes], return_inverse=True)
    sizes = np.bincount(cluster)
    apart = np.bincount(cluster, weights=inside) - share * sizes
    clusters = len(sizes)
    if clusters > 1:
        sigma = math.sqrt(clusters / (clusters - 1) * float(np.square(apart).sum())) / len(squared)
        reach = float(stdtrit(clusters - 1, 0.5 + LEVEL / 2)) * sigma
        low, high = max(share - reach, 0.0), min(share + reach, 1.0)
    else:
        low, high = 0.0, 1.0
    return Honesty(
        samples=len(squared),
        scenes=clusters,
        inside=share,
        low=low,
        high=high,
        nees=float(squared.mean()) / 2,
        median_error_m=percentile(errors_m, 0.5),
        p95_error_m=percentile(errors_m, 0.95),
    )


def ilids_f1(found: int, missed: int, false: int, weight: float) -> float | None:
    """The i-LIDS figure of merit (weight + 1) R P / (R + weight P); None without an event or an alarm.

    `weight` is 0.65 for the operational alert, 0.75 for event recording. Source: Home Office, Imagery Library for
    Intelligent Detection Systems: the i-LIDS user guide (2011).
    """
    if found + missed == 0 or found + false == 0:
        return None
    recall, precision = found / (found + missed), found / (found + false)
    if found == 0:
        return 0.0
    return (weight + 1) * recall * precision / (recall + weight * precision)


def confusion(pairs: Iterable[tuple[str, str]]) -> Mapping[str, Mapping[str, int]]:
    """How often each truth was called what: counts by true name, then by the name given."""
    table: dict[str, dict[str, int]] = {}
    for true, said in pairs:
        row = table.setdefault(true, {})
        row[said] = row.get(said, 0) + 1
    return {true: dict(sorted(row.items())) for true, row in sorted(table.items())}
