"""One picture out of what many sources report, in whatever order it comes."""

import bisect
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import field
from numpy.typing import NDArray

from marsad.fuse.associate import HIDDEN_SEEN, Claims, Reports, believe, gate, settled
from marsad.fuse.duplicates import Meeting, made_one, same_odds, shares, surest
from marsad.fuse.hypotheses import (
    AROUND_SIGMAS,
    STATES,
    Expected,
    Ints,
    RowParts,
    Rows,
    expect_angles,
    expect_places,
    leaning,
    no_rows,
    predict,
    ranges_along,
)
from marsad.fuse.register import Biases, forget, wander
from marsad.fuse.revise import Revised, begin_along, revise, turning, with_turning
from marsad.fuse.sensor import CameraSensor, Reporting, Sensor
from marsad.fuse.showing import USUALLY_BARE, USUALLY_SHOWN, looked_at, passed
from marsad.fuse.silence import odds_by_silence, silence
from marsad.fuse.stature import stature_likelihood
from marsad.geo.geodesy import Array
from marsad.kernel.error import InputError
from marsad.kernel.measurement import Look, Measurement
from marsad.kernel.position import BearingMeasurement
from marsad.kernel.record import Record
from marsad.kernel.track import Count, Kind

NS = 1_000_000_000
_LEAST_EXISTENCE = 0.004
_LEAST_LABELLED = 1e-6
_SLICES = 10
_LINEAR_SHARE = 0.06
_MOSTLY = 0.9
_STRANGE, _STRANGE_KEPT = 0.5, 0.7
_ALONE_S, _APART_M = 10.0, 30.0
_KNOCKED_RAD, _TRUSTED_RAD = math.radians(0.5), 1e-3
_LEAST_PER_KM2 = 0.01
_ONE_STAND_M = 30.0
_ANOTHER, _HARDLY_ANOTHER = 0.5, 0.05
"""How probable it is that one is another of those shown, from which on he is in doubt, and below which he is not."""
_AGILITY: Mapping[Kind, float] = {"vehicle": 1.5, "animal": 0.3, "flying": 2.0}


class FuseSettings(Record):
    """How the picture is made.

    `agility_m2_s3` is the white acceleration of each kind, `usual_agility_m2_s3` of all others; it grows with how badly
    a track's reports fit, of which each counts as `surprise_gain`. `steady_s` is over how long a velocity is kept,
    `speed_m_s` how fast things usually are, `gate2` within how many squared deviations a report may be of a track;
    `unknown_per_km2` how many objects nobody has reported yet there are, and `arrivals_per_km2_s` how many come;
    `gone_s` after how long an object is expected to have left, `hidden_s` for how long at a time what nobody can see
    stays so. A report that carries the label its track had before is `same_label` times as likely to be of it; a label
    nobody has goes to a track only where that is `label_sure`, and is free again `label_kept_s` after its source last
    used it. Two tracks are made one where that is `same_sure`; one who may be another is in doubt until that has been
    unlikely for `doubted_s`. At most `hypotheses` are kept of a track; those within `apart` squared deviations are
    merged. A track is believed from an existence of `confirm` on, and given up below `doubt` or where it may be
    anywhere within `lost_sigma_m`; it coasts once unseen for `coast_s`. `late_s` is how late
    a look may come and still count.
    """

    agility_m2_s3: Mapping[Kind, float] = field(default_factory=lambda: dict(_AGILITY))
    usual_agility_m2_s3: float = 0.08
    surprise_gain: float = 0.1
    steady_s: float = 120.0
    speed_m_s: float = 2.0
    unknown_per_km2: float = 0.1
    arrivals_per_km2_s: float = 0.001
    gone_s: float = 1800.0
    hidden_s: float = 20.0
    gate2: float = 20.0
    same_label: float = 1e4
    hypotheses: int = 8
    apart: float = 1.0
    confirm: float = 0.9
    doubt: float = 0.5
    coast_s: float = 3.0
    lost_sigma_m: float = 400.0
    same_sure: float = 0.95
    doubted_s: float = 4.0
    label_sure: float = 0.9
    label_kept_s: float = 1.5
    late_s: float = 60.0


Flags = NDArray[np.bool_]


class Opinion(NamedTuple):
    """What one source last said of a track."""

    time_ns: int
    label: int
    kind: Kind
    kind_confidence: float
    persons: Count | None
    origin: str
    bearing: BearingMeasurement | None = None


class Life(NamedTuple):
    """What a track is called, who speaks of it, and what it was called before."""

    track_id: str
    opinions: Mapping[str, Opinion]
    formerly: tuple[str, ...] = ()


class State(NamedTuple):
    """Everything the fuser knows after a look; never changed, only followed by another.

    Of T tracks: `existence`, `born_ns`, `seen_ns`, `confirmed_ns` (0 for not yet; of one that may well be another minus
    the moment when that was last so), `surprise` (mean squared distance of its reports for each dimension), `told_ns`
    (T, S) when each source last reported it, 0 for never, `label` (T, S) under which number, -1 without, and `since_ns`
    (T, S) since when; `showing` (T, S) how probable it is that nothing hides it from that source alone, and `bare` (T)
    that nothing hides it from all. Of S sources: `looked_ns` (0 for never), `unseen` (objects for each m2 not yet
    reported), `strange` (share of its reports that do not fit what they should), `trusted`.
    """

    time_ns: int
    rows: Rows
    existence: Array
    born_ns: Ints
    seen_ns: Ints
    confirmed_ns: Ints
    surprise: Array
    told_ns: Ints
    label: Ints
    lives: tuple[Life, ...]
    bias_mean: Array
    bias_spread: Array
    looked_ns: Ints
    unseen: Array
    strange: Array
    trusted: Flags
    since_ns: Ints
    showing: Array
    bare: Array


Key = tuple[int, str]
"""When a look was and whose: the order in which looks count."""
Mark = tuple[Key, State]
"""A look, and everything known after it and all before."""


class Heard(NamedTuple):
    """A look, each report but once and in an order of its own, and what it reports before any bias is taken off."""

    look: Look
    reports: Reports


class Fuser:
    """Makes one picture of many sources' looks.

    A look may come late: everything since is then taken back and done again, so that the picture is the one that would
    have been had all come in order. A look that comes again changes nothing.
    """

    def __init__(
        self, sensors: Sequence[Sensor], settings: FuseSettings | None = None, *, start: Mark | None = None
    ) -> None:
        """Begin with nothing, or go on from what another was `settled` on and of the same sensors."""
        self.settings = settings or FuseSettings()
        self.sensors = {sensor.source_id: sensor for sensor in sensors}
        if len(self.sensors) != len(sensors):
            raise InputError("two sources have one name; every camera, post and patrol needs its own")
        self._number = {source_id: i for i, source_id in enumerate(self.sensors)}
        self._slots, prior, drift = _slots(sensors)
        self._stand = _stands(sensors)
        self._places = np.array([not isinstance(sensor, CameraSensor) for sensor in sensors], np.bool_)
        self._prior, self._drift = prior, drift
        self._start = start or ((0, ""), self._nothing())
        self._last, self.state = self._start
        self._looks: dict[Key, Heard] = {}
        self._keys: list[Key] = []
        self._marks: list[Mark] = [self._start]
        self.too_late: list[Look] = []

    @property
    def biases(self) -> Biases:
        """What is known of the sources' biases now."""
        return Biases(self.state.bias_mean, self.state.bias_spread, self._slots)

    @property
    def settled(self) -> Mark:
        """The newest mark that no look may come before any more: with all looks after it, it is all that is known."""
        return self._marks[0]

    def knows(self, look: Look) -> bool:
        """Whether a look has been taken in already and may still be taken back."""
        held = self._looks.get((look.time_ns, look.source_id))
        return held is not None and set(look.measurements) <= set(held.look.measurements)

    def update(self, looks: Iterable[Look]) -> State:
        """Everything known after these looks and all before.

        Raises: InputError for a source nobody named, or a report that is neither a direction nor a place.
        """
        earliest: Key | None = None
        looks = list(looks)
        # All are read before any of them changes anything.
        for look, heard in zip(looks, [self._read(look) for look in looks], strict=True):
            if self._is_too_late(look):
                self.too_late.append(look)
                continue
            key = self._accept(heard)
            if key is not None and (earliest is None or key < earliest):
                earliest = key
        if earliest is None:
            return self.state
        if earliest <= self._last:
            self._take_back(earliest)
        for key in self._keys[bisect.bisect_right(self._keys, self._last) :]:
            self._advance(key)
        self._let_go()
        return self.state

    def _read(self, look: Look) -> Heard:
        """A look that can be understood. Raises: InputError for one that cannot."""
        sensor = self.sensors.get(look.source_id)
        if sensor is None:
            known = ", ".join(sorted(self.sensors)) or "none"
            raise InputError(f"source {look.source_id!r} is not known here; sources are: {known}")
        if look.time_ns <= 0:
            raise InputError(f"a look of {look.source_id} has time_ns = {look.time_ns}: give nanoseconds since 1970")
        value, noise = sensor.arrays(look.measurements)
        label = np.array([-1 if m.label is None else m.label for m in look.measurements], np.int64)
        order = np.lexsort((value[:, 1], value[:, 0], label))
        value, noise, label = value[order], noise[order], label[order]
        measurements = tuple(map(look.measurements.__getitem__, order.tolist()))
        alike = (label[1:] == label[:-1]) & (value[1:] == value[:-1]).all(axis=1)
        if alike.any():
            once = tuple(dict.fromkeys(measurements))
            if len(once) < len(measurements):
                return self._read(replaced(look, once))
        return Heard(replaced(look, measurements), Reports(value, noise, label))

    def _is_too_late(self, look: Look) -> bool:
        newest_ns = self._keys[-1][0] if self._keys else 0
        # What was known at the start cannot be taken back, and holds all looks until then.
        before_start = (look.time_ns, look.source_id) <= self._start[0]
        return before_start or look.time_ns < newest_ns - round(self.settings.late_s * NS)

    def _accept(self, heard: Heard) -> Key | None:
        """The look's place in the order if it changes anything."""
        look = heard.look
        key = (look.time_ns, look.source_id)
        held = self._looks.get(key)
        if held is None:
            bisect.insort(self._keys, key)
            self._looks[key] = heard
            return key
        there = set(held.look.measurements)
        added = [m for m in look.measurements if m not in there]
        if not added:
            return None
        self._looks[key] = self._read(replaced(held.look, (*held.look.measurements, *added)))
        return key

    def _take_back(self, key: Key) -> None:
        while len(self._marks) > 1 and self._marks[-1][0] >= key:
            self._marks.pop()
        self._last, self.state = self._marks[-1]

    def _advance(self, key: Key) -> None:
        self.state = self._step(self.state, self._looks[key])
        self._last = key
        if key[0] - self._marks[-1][0][0] >= NS // 2:
            self._marks.append((key, self.state))

    def _let_go(self) -> None:
        """Forget looks and marks that no look may come before any more."""
        horizon = self._keys[-1][0] - round(self.settings.late_s * NS)
        while len(self._marks) > 1 and self._marks[1][0][0] < horizon:
            self._marks.pop(0)
        upto = bisect.bisect_left(self._keys, (self._marks[0][0][0], ""))
        for key in self._keys[:upto]:
            del self._looks[key]
        del self._keys[:upto]

    def _nothing(self) -> State:
        sources = len(self.sensors)
        none, never = np.empty(0), np.empty(0, np.int64)
        density = self.settings.unknown_per_km2 * 1e-6
        return State(
            time_ns=0, rows=no_rows(len(self._prior), sources), existence=none, born_ns=never, seen_ns=never,
            confirmed_ns=never, surprise=none, told_ns=np.zeros((0, sources), np.int64),
            label=np.zeros((0, sources), np.int64), lives=(), bias_mean=np.zeros(len(self._prior)),
            bias_spread=np.diag(self._prior), looked_ns=np.zeros(sources, np.int64),
            unseen=np.full(sources, density), strange=np.zeros(sources), trusted=np.ones(sources, np.bool_),
            since_ns=np.zeros((0, sources), np.int64), showing=np.zeros((0, sources)), bare=none,
        )  # fmt: skip

    def _step(self, state: State, heard: Heard) -> State:
        look = heard.look
        state = self.carried(state, look.time_ns)
        sensor, number = self.sensors[look.source_id], self._number[look.source_id]
        slots = self._slots[number]
        reports = self._reports(state, heard, number)
        expected = self._expected(state, sensor)
        chance = sensor.reporting.detection
        fresh = sensor.reporting.fresh(look.time_ns - int(state.looked_ns[number]))
        shown = self._shown(state, sensor.reporting, number)
        expected = expected._replace(seen=expected.seen * chance * _by_row(state.rows, shown.prod(axis=1)))
        if slots[2] >= 0:
            moved = np.einsum("rki,ri->rk", expected.slope[:, :, :2], state.rows.mean[:, 2:4])
            expected = expected._replace(value=expected.value + moved * state.bias_mean[slots[2]])
        tilt = leaning(state.rows, expected, slots)
        claims = self._claims(state, reports, sensor, number)
        pairs = gate(
            state.rows, expected, tilt, state.bias_spread, reports, claims, number, self.settings.gate2,
            self.settings.same_label,
        )  # fmt: skip
        # A track that nobody reports any more is none beside the one that is reported there.
        followed = _by_row(state.rows, np.any(self._told_lately(state), axis=1))
        expected = expected._replace(seen=np.where(pairs.beside & followed, 0.0, expected.seen))
        detected = _by_track(state.rows, expected.seen)
        unseen = float(state.unseen[number])
        area = self._area(state, sensor, slots, reports, claims, expected)
        elsewhere = (sensor.false_per_m2 + chance * unseen) * area
        chances = believe(pairs, state.existence, detected, elsewhere)
        chances = settled(pairs, chances, reports, claims, self.settings.label_sure)
        shift, learnt = np.zeros_like(state.bias_mean), state.bias_spread.copy()
        revised = revise(
            state.rows, expected, tilt, reports, claims, pairs, chances, state.existence, detected, fresh,
            self._linear(state, sensor), number, self._slots, state.bias_spread, shift, learnt,
            self.settings.hypotheses, self.settings.apart,
        )  # fmt: skip
        looked, unknown = state.looked_ns.copy(), state.unseen.copy()
        looked[number], unknown[number] = look.time_ns, unseen * (1 - chance)
        fell = revised.existence < state.existence
        before = state
        state = state._replace(
            rows=revised.rows, existence=revised.existence, bias_mean=state.bias_mean + shift, bias_spread=learnt,
            looked_ns=looked, unseen=unknown,
        )  # fmt: skip
        if sensor.reporting.patience_s > 0:
            told = np.clip((1 - chances.missed) / np.maximum(revised.existence, 1e-12), 0.0, 1.0)
            state = _with_shown(state, number, looked_at(shown, detected, told))
        state = self._noted(state, look, number, reports, revised)
        state = self._seen_anew(before, state, heard, sensor, number, revised)
        state = self._trusting(before, state, sensor, number, claims, revised)
        real = chance * unseen / (sensor.false_per_m2 + chance * unseen)
        new = chances.new * real
        # However little a single report of a source says, one that is of no track begins one; the next look decides.
        least = np.where(reports.label >= 0, _LEAST_LABELLED, min(_LEAST_EXISTENCE, real / 2))
        # What its owner took begins nothing, however little was believed of the owner.
        new[(claims.owner >= 0) & np.isin(np.arange(len(new)), pairs.report)] = 0.0
        state, new = self._again(state, look, sensor, number, reports, claims, pairs.report, new)
        state = self._without_gone(state, fell)
        return self._with_new(state, look, sensor, number, reports, new, least)

    def _shown(self, state: State, reporting: Reporting, number: int) -> Array:
        """How probable it is that each track is hidden from nobody, and not from this source (T, 2)."""
        if reporting.patience_s <= 0:
            return np.ones((len(state.lives), 2))
        since_s = (state.time_ns - int(state.looked_ns[number])) / NS
        showing = passed(state.showing[:, number], USUALLY_SHOWN, reporting.patience_s, since_s)
        return np.stack([state.bare, showing], axis=1)

    def _told_lately(self, state: State) -> Flags:
        """Which sources reported each track just now (T, S)."""
        lately: Flags = state.told_ns > state.time_ns - round(self.settings.label_kept_s * NS)
        return lately

    def carried(self, state: State, time_ns: int) -> State:
        """What is known, carried forward to a later time without a look."""
        if not state.time_ns:
            return state._replace(time_ns=time_ns)
        step_s = (time_ns - state.time_ns) / NS
        if step_s <= 0:
            return state
        new_second = time_ns // NS > state.time_ns // NS
        settings = self.settings
        rows = predict(state.rows, self._agility(state), step_s, settings.steady_s, self._height_m, self._correlation_m)
        spread = state.bias_spread
        if len(spread):
            rows, spread = wander(rows, spread, self._drift, step_s)
        unseen = state.unseen + settings.arrivals_per_km2_s * 1e-6 * step_s
        state = state._replace(
            time_ns=time_ns, rows=rows, bias_spread=spread, unseen=unseen,
            existence=state.existence * math.exp(-step_s / settings.gone_s),
            bare=passed(state.bare, USUALLY_BARE, settings.hidden_s, step_s),
        )  # fmt: skip
        return self._tidied(state) if new_second else state

    @property
    def _height_m(self) -> float:
        return max((s.height_sigma_m for s in self.sensors.values() if isinstance(s, CameraSensor)), default=0.0)

    @property
    def _correlation_m(self) -> float:
        return min((s.correlation_m for s in self.sensors.values() if isinstance(s, CameraSensor)), default=300.0)

    def _agility(self, state: State) -> Array:
        settings = self.settings
        usual = np.full(len(state.lives), settings.usual_agility_m2_s3)
        if settings.agility_m2_s3:
            for t, life in enumerate(state.lives):
                usual[t] = settings.agility_m2_s3.get(kind_of(life)[0], settings.usual_agility_m2_s3)
        each = usual * np.maximum(state.surprise, 1.0) ** 2
        return np.repeat(each, np.diff(state.rows.first))

    def _expected(self, state: State, sensor: Sensor) -> Expected:
        if isinstance(sensor, CameraSensor):
            return expect_angles(state.rows, state.bias_spread, sensor.surface, sensor.sight)
        return expect_places(state.rows, *sensor.covers)

    def _reports(self, state: State, heard: Heard, number: int) -> Reports:
        """What is reported, the source's biases taken off."""
        value = heard.reports.value.copy()
        for k, slot in enumerate(self._slots[number, :2].tolist()):
            if slot >= 0:
                value[:, k] -= state.bias_mean[slot]
        return heard.reports._replace(value=value)

    def _area(
        self, state: State, sensor: Sensor, slots: Ints, reports: Reports, claims: Claims, expected: Expected
    ) -> Array:
        """How much ground there is to one unit of what is reported, around each report (M)."""
        area = np.ones(len(reports.label))
        if not isinstance(sensor, CameraSensor):
            return area
        for m, owner in enumerate(claims.owner.tolist()):
            if owner >= 0:
                scale = expected.scale[state.rows.first[owner]]
                area[m] = 1 / scale if scale > 0 else 1.0
                continue
            sigma = _sigma_up(state, slots, reports.noise[m])
            across, climb = reports.value[m]
            ranges = ranges_along(sensor.surface, sensor.sight, across, climb, sigma, self._height_m, _SLICES)
            if len(ranges):
                area[m] = float(ranges[:, 3].sum()) / (2 * AROUND_SIGMAS * sigma)
        return area

    def _claims(self, state: State, reports: Reports, sensor: Sensor, number: int) -> Claims:
        """Whose label each report carries, and who may take a label that is new.

        A track has one label of a source at a time; another source's new label goes to a track only where that is known
        well, or else begins a track of its own until `duplicates` finds the two to be one.
        """
        kept_ns = round(self.settings.label_kept_s * NS)
        told = state.told_ns[:, number]
        live = (told > 0) & (state.label[:, number] >= 0)
        order = np.lexsort((state.existence[live], told[live]))
        holder = {int(state.label[t, number]): t for t in np.flatnonzero(live)[order]}
        owner = np.array([holder.get(label, -1) if label >= 0 else -1 for label in reports.label.tolist()], np.int64)
        stale = state.time_ns - told > kept_ns
        known = _by_track(state.rows, self._linear(state, sensor).astype(float))
        return Claims(owner, stale & ((told > 0) | (known > _MOSTLY)))

    def _noted(self, state: State, look: Look, number: int, reports: Reports, revised: Revised) -> State:
        """Who was seen now, and what was said of them."""
        report, sure, surprise = revised.report, revised.sure, revised.surprise
        seen, told, label = state.seen_ns.copy(), state.told_ns.copy(), state.label.copy()
        hit = sure > self.settings.doubt
        seen[hit] = look.time_ns
        told[hit, number] = look.time_ns
        said = reports.label[report[hit]]
        since = state.since_ns.copy()
        since[hit, number] = np.where((said >= 0) & (said != label[hit, number]), look.time_ns, since[hit, number])
        label[hit, number] = np.where(said >= 0, said, label[hit, number])
        lives = list(state.lives)
        spoken = np.flatnonzero(hit & (state.existence > self.settings.doubt))
        for t, m in zip(spoken.tolist(), report[spoken].tolist(), strict=True):
            measurement = look.measurements[m]
            if measurement.label is not None or measurement.kind != "unknown" or measurement.count is not None:
                lives[t] = _told(lives[t], look, measurement)
        fresh = ~np.isnan(surprise)
        gain = self.settings.surprise_gain
        mean = np.where(fresh, state.surprise + gain * (np.nan_to_num(surprise) / 2 - state.surprise), state.surprise)
        confirmed = np.where(
            (state.confirmed_ns == 0) & (state.existence >= self.settings.confirm), look.time_ns, state.confirmed_ns
        )
        return state._replace(
            seen_ns=seen, told_ns=told, label=label, since_ns=since, lives=tuple(lives), surprise=mean,
            confirmed_ns=confirmed,
        )  # fmt: skip

    def _trusting(
        self, before: State, state: State, sensor: Sensor, number: int, claims: Claims, revised: Revised
    ) -> State:
        """Whether a camera still looks where it did: most of what it follows cannot all have jumped at once.

        A camera that was knocked is believed no more about where it looks, and learns that anew from what others see.
        """
        columns = self._slots[number, :2]
        columns = columns[columns >= 0]
        if not isinstance(sensor, CameraSensor) or not len(columns):
            return state
        vouched = (state.told_ns > state.time_ns - NS * 5).sum(axis=1) > 1
        asked = [int(t) for t in claims.owner if t >= 0 and vouched[t]]
        strange, trusted = state.strange.copy(), state.trusted.copy()
        if asked:
            misfit = np.mean([revised.sure[t] < self.settings.doubt for t in asked])
            # The more of them there are at once, the more it says. Those close together say it once, and hardly: one of
            # a herd is easily taken for its neighbour.
            apart = _apart(before.rows, asked, _APART_M)
            since_s = min((state.time_ns - int(before.looked_ns[number])) / NS, 1.0)
            kept = _STRANGE_KEPT**apart if apart > 1 else math.exp(-since_s / _ALONE_S)
            strange[number] += (1 - kept) * (misfit - strange[number])
        sigma = np.sqrt(state.bias_spread[columns, columns].max())
        if strange[number] <= _STRANGE:
            trusted[number] |= sigma < _TRUSTED_RAD
            return state._replace(strange=strange, trusted=trusted)
        strange[number], trusted[number] = 0.0, False
        fresh = np.zeros(len(state.bias_mean))
        fresh[columns] = _KNOCKED_RAD**2
        rows, spread = forget(state.rows, state.bias_spread, columns, fresh)
        left = rows.left.copy()
        left[:, number] = math.nan
        return state._replace(rows=rows._replace(left=left), bias_spread=spread, strange=strange, trusted=trusted)

    def _seen_anew(
        self, before: State, state: State, heard: Heard, sensor: Sensor, number: int, revised: Revised
    ) -> State:
        """The tracks that have only ever been seen from one place, each where the look just had alone says it is.

        What the elevation data are wrong by comes again with every look, and what a slope says of the next is another
        wherever it is taken: looks from one place on rough ground say together hardly more of a range than one of them.
        So once a second one of them is taken, and of the others that the track was seen. Over ground that is known
        exactly looks add up.
        """
        if not isinstance(sensor, CameraSensor) or not sensor.height_sigma_m:
            return state
        alone = ~((state.told_ns > 0) & (self._stand != self._stand[number])).any(axis=1)
        reports = self._reports(state, heard, number)
        for t in np.flatnonzero(alone & (revised.sure > self.settings.doubt)).tolist():
            parts = _parts(before.rows, t, state.bias_mean - before.bias_mean)
            if heard.look.time_ns // NS > before.seen_ns[t] // NS:
                rate = turning(_parts(state.rows, t, np.zeros_like(state.bias_mean)), sensor.sight.origin)
                begun = self._begin(state, sensor, number, heard.look, reports, int(revised.report[t]))
                parts = with_turning(begun, rate, sensor.sight.origin) if len(begun[3]) else parts
            state = state._replace(rows=_with_rows(state.rows, t, parts))
        return state

    def _again(
        self, state: State, look: Look, sensor: Sensor, number: int, reports: Reports, claims: Claims, met: Ints,
        new: Array,
    ) -> tuple[State, Array]:  # fmt: skip
        """Tracks of which one source alone reports, and not where they were thought to be, begun again where it does.

        The source's own label is then all there is to go by, so the name stays.
        """
        if not isinstance(sensor, CameraSensor):
            return state, new
        lately = self._told_lately(state)
        for m in np.flatnonzero((claims.owner >= 0) & ~np.isin(np.arange(len(new)), met)).tolist():
            track = int(claims.owner[m])
            if np.delete(lately[track], number).any():
                continue
            mean, spread, lean, weight, left = self._begin(state, sensor, number, look, reports, m)
            if len(mean):
                told, seen = state.told_ns.copy(), state.seen_ns.copy()
                told[track, number] = seen[track] = state.time_ns
                rows = _with_rows(state.rows, track, (mean, spread, lean, weight, left))
                state = state._replace(rows=rows, told_ns=told, seen_ns=seen)
                new[m] = 0.0
        return state, new

    def _with_new(
        self, state: State, look: Look, sensor: Sensor, number: int, reports: Reports, chance: Array,
        least: Array,
    ) -> State:  # fmt: skip
        begun = np.flatnonzero(chance > least)
        if isinstance(sensor, CameraSensor):
            begun, sizes, parts = self._begun_along(state, sensor, number, look, reports, begun)
        else:
            sizes = np.ones(len(begun), np.int64)
            parts = self._begun_at(state, reports, begun)
        if not len(begun):
            return state
        old = state.rows
        label = np.full((len(begun), len(self.sensors)), -1, np.int64)
        told = np.zeros((len(begun), len(self.sensors)), np.int64)
        label[:, number] = reports.label[begun]
        told[:, number] = look.time_ns
        held = (old.mean, old.spread, old.lean, old.weight, old.left)
        added = [np.concatenate([a, b]) for a, b in zip(held, parts, strict=True)]
        rows = Rows(np.concatenate([old.first, old.first[-1] + np.cumsum(sizes)]), *added)
        exists = chance[begun]
        now = np.full(len(begun), look.time_ns)
        # What is somewhere along a line may be another's: that is asked before it is believed to be one more.
        doubted = isinstance(sensor, CameraSensor) and bool(state.lives)
        confirmed = np.where(exists >= self.settings.confirm, now, 0)
        lives = _born(look, begun.tolist(), {life.track_id for life in state.lives})
        return state._replace(
            rows=rows,
            existence=np.concatenate([state.existence, exists]),
            born_ns=np.concatenate([state.born_ns, now]),
            seen_ns=np.concatenate([state.seen_ns, now]),
            confirmed_ns=np.concatenate([state.confirmed_ns, -now if doubted else confirmed]),
            surprise=np.concatenate([state.surprise, np.ones(len(begun))]),
            told_ns=np.concatenate([state.told_ns, told]),
            label=np.concatenate([state.label, label]),
            since_ns=np.concatenate([state.since_ns, told]),
            showing=np.concatenate([state.showing, np.where(told > 0, 1.0, USUALLY_SHOWN)]),
            bare=np.concatenate([state.bare, np.ones(len(begun))]),
            lives=(*state.lives, *lives),
        )

    def _begun_at(self, state: State, reports: Reports, begun: Ints) -> RowParts:
        """The rows of tracks that begin at measured places, one for each."""
        count, settings = len(begun), self.settings
        mean, spread = np.zeros((count, STATES)), np.zeros((count, STATES, STATES))
        mean[:, :2], spread[:, :2, :2] = reports.value[begun], reports.noise[begun]
        spread[:, 2, 2] = spread[:, 3, 3] = settings.speed_m_s**2
        spread[:, 4, 4] = self._height_m**2
        left = np.full((count, len(self.sensors), 2), math.nan)
        return mean, spread, np.zeros((count, STATES, len(state.bias_mean))), np.ones(count), left

    def _begun_along(
        self, state: State, sensor: CameraSensor, number: int, look: Look, reports: Reports, begun: Ints
    ) -> tuple[Ints, Ints, RowParts]:
        """Which reports of directions begin a track, how many rows each has, and the rows."""
        made = {m: self._begin(state, sensor, number, look, reports, m) for m in begun.tolist()}
        made = {m: parts for m, parts in made.items() if len(parts[3])}
        sizes = np.array([len(parts[3]) for parts in made.values()], np.int64)
        none = self._begun_at(state, reports, begun[:0])
        mean, spread, lean, weight, left = (
            np.concatenate([none[k], *(parts[k] for parts in made.values())]) for k in range(5)
        )
        return np.array(list(made), np.int64), sizes, (mean, spread, lean, weight, left)

    def _begin(self, state: State, sensor: CameraSensor, number: int, look: Look, reports: Reports, m: int) -> RowParts:
        """Means, covariances, leans, weights and what was left of a track that begins with a report."""
        value, noise = reports.value[m], reports.noise[m]
        slots = self._slots[number]
        across = math.sqrt(noise[0, 0] + (state.bias_spread[slots[0], slots[0]] if slots[0] >= 0 else 0.0))
        sigma = _sigma_up(state, slots, noise)
        ranges = ranges_along(sensor.surface, sensor.sight, value[0], value[1], sigma, self._height_m, _SLICES)
        if not len(ranges):
            none = np.empty(0)
            return none, none, none, none, none
        ranges[:, 2] *= stature_likelihood(look.measurements[m], ranges[:, 0])
        mean, spread, weight = begin_along(
            sensor.sight.origin, sensor.sight.heading_rad, value[0], across, ranges,
            self.settings.speed_m_s, self._height_m,
        )  # fmt: skip
        return self._held_against(state, sensor, number, mean, spread, weight, reports, m)

    def _held_against(
        self, state: State, sensor: CameraSensor, number: int, mean: Array, spread: Array, weight: Array,
        reports: Reports, m: int,
    ) -> RowParts:  # fmt: skip
        """The slices of a new track after the report that began it."""
        count, biases = len(mean), len(state.bias_mean)
        rows = Rows(
            np.array([0, count]), mean, spread, np.zeros((count, STATES, biases)), weight,
            np.full((count, len(self.sensors), 2), math.nan),
        )  # fmt: skip
        expected = expect_angles(rows, state.bias_spread, sensor.surface, sensor.sight)
        expected = expected._replace(seen=np.maximum(expected.seen, HIDDEN_SEEN))
        tilt = leaning(rows, expected, self._slots[number])
        one = Reports(reports.value[m : m + 1], reports.noise[m : m + 1], reports.label[m : m + 1])
        claims = Claims(np.full(1, -1), np.ones(1, np.bool_))
        pairs = gate(rows, expected, tilt, state.bias_spread, one, claims, number, 1e6, 1.0)
        if not len(pairs.report):
            none = np.empty(0)
            return none, none, none, none, none
        sure = believe(pairs, np.ones(1), np.ones(1), np.full(1, 1e-30))
        none_learnt = np.zeros_like(state.bias_mean)
        rows = revise(
            rows, expected, tilt, one, claims, pairs, sure, np.ones(1), np.ones(1), 1.0, np.zeros(count, np.bool_),
            number, self._slots, state.bias_spread, none_learnt, state.bias_spread.copy(), self.settings.hypotheses,
            self.settings.apart,
        ).rows  # fmt: skip
        return rows.mean, rows.spread, rows.lean, rows.weight, rows.left

    def _linear(self, state: State, sensor: Sensor) -> Flags:
        """Which rows are known well enough that what a camera reports of them says something of the camera.

        What one camera alone reports says nothing of it, however narrow the slice of its ray that is being tried; nor
        does what those beside it on its tower do.
        """
        if not isinstance(sensor, CameraSensor) or not len(state.bias_mean):
            return np.ones(len(state.rows.weight), np.bool_)
        told = state.told_ns > 0
        stands = np.stack([told[:, self._stand == stand].any(axis=1) for stand in np.unique(self._stand)], axis=1)
        vouched = (stands.sum(axis=1) > 1) | (told & self._places).any(axis=1)
        variance = state.rows.spread[:, 0, 0] + state.rows.spread[:, 1, 1]
        owed = np.einsum("rka,ab,rkb->r", state.rows.lean[:, :2], state.bias_spread, state.rows.lean[:, :2])
        away = np.hypot(*(state.rows.mean[:, :2] - sensor.sight.origin[:2]).T)
        near: Flags = np.sqrt(variance + owed) < _LINEAR_SHARE * away
        near &= np.repeat(vouched, np.diff(state.rows.first))
        return near

    def _without_gone(self, state: State, fell: Flags) -> State:
        """Without what the look just had made too improbable, unless a source's label says that it goes on."""
        followed = (self._told_lately(state) & (state.label >= 0)).any(axis=1)
        keep = ~fell | (state.existence > np.where(followed, _LEAST_LABELLED, _LEAST_EXISTENCE))
        return _kept(state, keep)

    def _tidied(self, state: State) -> State:
        """Without what is gone, and without what is there twice."""
        sigma = np.sqrt(np.maximum(state.rows.spread[:, 0, 0], state.rows.spread[:, 1, 1]))
        state = _kept(state, _by_track(state.rows, sigma) < self.settings.lost_sigma_m * 4)
        return self._made_one(state)

    def _made_one(self, state: State) -> State:
        """With every two tracks that are surely one made one, and those in doubt that are likelier to be another's."""
        gone: set[int] = set()
        pairs, odds, silent = sameness(state, tuple(self.sensors.values()), self.settings)
        parts = {(one, two): each for (one, two), each in zip(pairs.tolist(), silent.tolist(), strict=True)}
        others, speed_m_s = _others_per_m2(self.settings), self.settings.speed_m_s
        meeting = Meeting(state.rows, state.bias_spread, others, speed_m_s, parts)
        share = shares(pairs, odds, 1.0, meeting)
        # Beside a patrol of one's own an unknown is one more until it is sure that he is not.
        placed: Flags = np.any(state.told_ns[:, self._places] > 0, axis=1)
        # That an unseen one is no longer where the other is says where it is thought to be, and not who it is; and one
        # too new to be held against others is not yet known to be one more.
        seen: Flags = state.seen_ns > state.time_ns - round(self.settings.label_kept_s * NS)
        asked = seen & (state.existence >= self.settings.doubt)
        another = np.where(np.any(placed[pairs], axis=1), 0.0, share)
        state = _with_doubts(state, pairs, another, asked, self.settings.doubted_s)
        for one, two in surest(pairs, odds, share, self.settings.same_sure):
            if one in gone or two in gone:
                continue
            stays, goes = (one, two) if _senior(state, one, two) else (two, one)
            gone.add(goes)
            state = self._joined(state, stays, goes)
        keep = np.ones(len(state.lives), np.bool_)
        keep[list(gone)] = False
        return _kept(state, keep)

    def _joined(self, state: State, stays: int, goes: int) -> State:
        """The state with one track's knowledge given to another, the first still there."""
        settings = self.settings
        parts = made_one(state.rows, stays, goes, state.bias_spread, settings.hypotheses, settings.apart)
        existence, told = state.existence.copy(), state.told_ns.copy()
        label, since = state.label.copy(), state.since_ns.copy()
        showing, bare = state.showing.copy(), state.bare.copy()
        lives = list(state.lives)
        existence[stays] = 1 - (1 - existence[stays]) * (1 - existence[goes])
        later = told[goes] > told[stays]
        label[stays] = np.where(later, label[goes], label[stays])
        since[stays] = np.where(later, since[goes], since[stays])
        showing[stays] = np.where(later, showing[goes], showing[stays])
        bare[stays] = max(bare[stays], bare[goes])
        told[stays] = np.maximum(told[stays], told[goes])
        lives[stays] = _joined(lives[stays], lives[goes])
        seen = state.seen_ns.copy()
        seen[stays] = max(seen[stays], seen[goes])
        rows = _with_rows(state.rows, stays, parts)
        return state._replace(
            rows=rows, existence=existence, told_ns=told, label=label, since_ns=since, seen_ns=seen, lives=tuple(lives),
            showing=showing, bare=bare,
        )  # fmt: skip


def sameness(state: State, sensors: Sequence[Sensor], settings: FuseSettings) -> tuple[Ints, Array, Array]:
    """Pairs (P, 2) of tracks that may be one, the odds that they are, and the part in them of who is silent (P)."""
    lately_ns = round(settings.label_kept_s * NS)
    pairs, odds = same_odds(
        state.rows, state.existence >= settings.doubt, state.told_ns, state.since_ns, state.label, state.bias_spread,
        state.time_ns, lately_ns, _others_per_m2(settings), settings.speed_m_s,
    )  # fmt: skip
    if not len(pairs):
        return pairs, odds, np.ones(0)
    since_ns = state.time_ns - lately_ns
    reported = state.told_ns > since_ns
    # Who came just now has not been looked for by all; whom nobody reports is hidden from all, or gone.
    old = np.isin(np.arange(len(state.lives)), pairs) & (state.born_ns < since_ns) & reported.any(axis=1)
    asked = old[:, None] & (state.looked_ns > since_ns)
    silent = silence(state.rows, reported, asked, state.bias_spread, sensors)
    by_silence = odds_by_silence(pairs, reported, _silhouettes(state, sensors, np.flatnonzero(old)), silent)
    return pairs, odds * by_silence, by_silence


def _with_doubts(state: State, pairs: Ints, share: Array, held: Flags, doubted_s: float) -> State:
    """The state with those in doubt who are likelier one of those shown than one more, and nobody else who is `held`.

    Those `held` (T) are seen, and have been held against all others. What is known of a range is drawn anew with every
    look: who was in doubt stays so until it has been unlikely for `doubted_s`, or hardly anything speaks for it.

    Of those not yet confirmed the least doubtful come first: where one camera sees one and another two, it is the one.
    """
    confirmed = np.where((state.confirmed_ns < 0) & held, 0, state.confirmed_ns)
    since_ns = state.time_ns - round(doubted_s * NS)
    others: dict[int, list[tuple[int, float]]] = {}
    for (one, two), each in zip(pairs.tolist(), share.tolist(), strict=True):
        others.setdefault(one, []).append((two, each))
        others.setdefault(two, []).append((one, each))
    doubt = {track: round(sum(each for _, each in those), 6) for track, those in others.items()}
    asked = sorted((t for t in others if not confirmed[t]), key=lambda t: (doubt[t], _seniority(state, t)))
    for at, track in enumerate(asked):
        behind, before_ns = set(asked[at:]), int(state.confirmed_ns[track])
        likely = sum(each for u, each in others[track] if u not in behind and confirmed[u] >= 0)
        if likely > _ANOTHER:
            confirmed[track] = -state.time_ns
        elif likely > _HARDLY_ANOTHER and before_ns < -since_ns:
            confirmed[track] = before_ns
    return state._replace(confirmed_ns=confirmed)


def _silhouettes(state: State, sensors: Sequence[Sensor], tracks: Ints) -> Flags:
    """Which sources count several in each of some tracks (T, S)."""
    out = np.zeros(state.told_ns.shape, np.bool_)
    number = {sensor.source_id: i for i, sensor in enumerate(sensors)}
    for track in tracks.tolist():
        for source_id, opinion in state.lives[track].opinions.items():
            out[track, number[source_id]] = opinion.persons is not None and opinion.persons.best > 1
    return out


def _others_per_m2(settings: FuseSettings) -> float:
    return max(settings.unknown_per_km2, _LEAST_PER_KM2) * 1e-6


def _sigma_up(state: State, slots: Ints, noise: Array) -> float:
    """How far a reported elevation may be off."""
    variance = noise[1, 1] + (state.bias_spread[slots[1], slots[1]] if slots[1] >= 0 else 0.0)
    return math.sqrt(float(variance))


def _apart(rows: Rows, tracks: Sequence[int], least_m: float) -> int:
    """How many of these tracks lie so far from each other."""
    kept: list[Array] = []
    for t in tracks:
        place = rows.mean[rows.first[t], :2]
        if all(math.hypot(*(place - other)) >= least_m for other in kept):
            kept.append(place)
    return len(kept)


def replaced(look: Look, measurements: tuple[Measurement, ...]) -> Look:
    """A look with other measurements, its receipt forgotten: when it was heard changes nothing."""
    return Look(source_id=look.source_id, time_ns=look.time_ns, measurements=measurements, origin=look.origin)


def _slots(sensors: Sequence[Sensor]) -> tuple[Ints, Array, Array]:
    """Which column each source's biases have (S, 3), their variances and how fast they drift."""
    slots = np.full((len(sensors), 3), -1, np.int64)
    prior: list[float] = []
    drift: list[float] = []
    for i, sensor in enumerate(sensors):
        for k, (variance, rate) in enumerate(sensor.bias_prior()):
            if variance > 0:
                slots[i, k] = len(prior)
                prior.append(variance)
                drift.append(rate)
    return slots, np.array(prior), np.array(drift)


def _stands(sensors: Sequence[Sensor]) -> Ints:
    """Where each source looks from: one number for all cameras of a tower, for each other source its own (S)."""
    origins = [sensor.sight.origin if isinstance(sensor, CameraSensor) else np.full(3, math.nan) for sensor in sensors]
    near = [[i for i in range(k) if math.dist(origins[i], origin) < _ONE_STAND_M] for k, origin in enumerate(origins)]
    return np.array([those[0] if those else k for k, those in enumerate(near)], np.int64)


def _by_track(rows: Rows, value: Array) -> Array:
    """The mean of a value of rows over each track."""
    return np.add.reduceat(value * rows.weight, rows.first[:-1]) if len(rows.first) > 1 else np.empty(0)


def _by_row(rows: Rows, value: NDArray[Any]) -> NDArray[Any]:
    """Each row's own value of one of tracks."""
    return np.repeat(value, np.diff(rows.first))


def _with_shown(state: State, number: int, shown: Array) -> State:
    """The state with how probable it is that tracks are hidden, from all and from one source (T, 2)."""
    showing = state.showing.copy()
    showing[:, number] = shown[:, 1]
    return state._replace(showing=showing, bare=shown[:, 0])


def _kept(state: State, keep: Flags) -> State:
    """The state of some of its tracks."""
    if keep.all():
        return state
    sizes = np.diff(state.rows.first)
    tracks, chosen = np.flatnonzero(keep), np.flatnonzero(np.repeat(keep, sizes))
    old = state.rows
    rows = Rows(
        np.concatenate([[0], np.cumsum(sizes[tracks])]).astype(np.int64), old.mean.take(chosen, 0),
        old.spread.take(chosen, 0), old.lean.take(chosen, 0), old.weight.take(chosen), old.left.take(chosen, 0),
    )  # fmt: skip
    return state._replace(
        rows=rows, existence=state.existence[tracks], born_ns=state.born_ns[tracks], seen_ns=state.seen_ns[tracks],
        confirmed_ns=state.confirmed_ns[tracks], surprise=state.surprise[tracks],
        told_ns=state.told_ns.take(tracks, 0), label=state.label.take(tracks, 0),
        since_ns=state.since_ns.take(tracks, 0), showing=state.showing.take(tracks, 0), bare=state.bare[tracks],
        lives=tuple(itertools.compress(state.lives, keep.tolist())),
    )  # fmt: skip


def _parts(rows: Rows, track: int, shift: Array) -> RowParts:
    """One track's rows after the biases have been corrected by `shift` (B)."""
    own = slice(int(rows.first[track]), int(rows.first[track + 1]))
    mean = rows.mean[own] + rows.lean[own] @ shift
    return mean, rows.spread[own], rows.lean[own], rows.weight[own], rows.left[own]


def _with_rows(rows: Rows, track: int, parts: RowParts) -> Rows:
    """The rows with those of one track replaced."""
    begin, end = int(rows.first[track]), int(rows.first[track + 1])
    first = rows.first.copy()
    first[track + 1 :] += len(parts[3]) - (end - begin)
    old = (rows.mean, rows.spread, rows.lean, rows.weight, rows.left)
    new = [np.concatenate([a[:begin], b, a[end:]]) for a, b in zip(old, parts, strict=True)]
    return Rows(first, *new)


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _short(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"


def _born(look: Look, begun: Sequence[int], taken: set[str]) -> list[Life]:
    """The lives of tracks that begin with some of a look's reports, none called as one of `taken`, which they join.

    Each is called after who saw it first, under which number, and when (ms, base 36).
    """
    moment = _short(look.time_ns // 1_000_000)
    measurements = [look.measurements[index] for index in begun]
    called = [f"x{i}" if m.label is None else str(m.label) for i, m in zip(begun, measurements, strict=True)]
    names = _free([f"{look.source_id}-{each}-{moment}" for each in called], taken)
    # Bare places say the same of all that begin with them: thousands of false ones are not told apart.
    bare = {look.source_id: Opinion(look.time_ns, -1, "unknown", 0.0, None, look.origin)}
    opinions = [bare if _is_bare(m) else {look.source_id: _opinion(look, m)} for m in measurements]
    return list(map(Life, names, opinions))


def _is_bare(measurement: Measurement) -> bool:
    """Whether a report says nothing but where something is."""
    return (
        measurement.label is None and measurement.bearing is None and measurement.count is None
        and measurement.kind == "unknown" and not measurement.kind_confidence
    )  # fmt: skip


def _free(wanted: Sequence[str], taken: set[str]) -> Sequence[str]:
    """The names, those numbered that are taken already."""
    if len(taken | set(wanted)) == len(taken) + len(wanted):
        return wanted
    given: dict[str, None] = {}
    for name in wanted:
        numbered = (name if number == 1 else f"{name}.{number}" for number in itertools.count(1))
        given[next(each for each in numbered if each not in taken and each not in given)] = None
    return list(given)


def _told(life: Life, look: Look, measurement: Measurement) -> Life:
    return Life(life.track_id, {**life.opinions, look.source_id: _opinion(look, measurement)}, life.formerly)


def _opinion(look: Look, measurement: Measurement) -> Opinion:
    label = -1 if measurement.label is None else measurement.label
    return Opinion(
        look.time_ns, label, measurement.kind, measurement.kind_confidence, measurement.count, look.origin,
        measurement.bearing,
    )  # fmt: skip


def _joined(stays: Life, goes: Life) -> Life:
    opinions = dict(stays.opinions)
    for source_id, opinion in goes.opinions.items():
        if source_id not in opinions or opinions[source_id].time_ns < opinion.time_ns:
            opinions[source_id] = opinion
    return Life(stays.track_id, opinions, (*stays.formerly, goes.track_id, *goes.formerly))


def _senior(state: State, one: int, two: int) -> bool:
    """Whether the first keeps its name when two are found to be the same."""
    return _seniority(state, one) <= _seniority(state, two)


def _seniority(state: State, track: int) -> tuple[bool, int, str]:
    """What is confirmed comes before what is not, and what is old before what is new."""
    return state.confirmed_ns[track] <= 0, int(state.born_ns[track]), state.lives[track].track_id


def kind_of(life: Life) -> tuple[Kind, float]:
    """What those who speak of a track make of it together, and how surely."""
    scores: dict[Kind, float] = {}
    for opinion in life.opinions.values():
        if opinion.kind != "unknown":
            odds = math.log(max(opinion.kind_confidence, 0.02) / max(1 - opinion.kind_confidence, 0.02))
            scores[opinion.kind] = scores.get(opinion.kind, 0.0) + odds
    if not scores:
        return "unknown", 0.0
    kind = max(scores, key=lambda k: (scores[k], k))
    rest = sum(math.exp(score) for other, score in scores.items() if other != kind)
    grown = math.exp(min(scores[kind], 50.0))
    return kind, grown / (1 + grown + rest)
