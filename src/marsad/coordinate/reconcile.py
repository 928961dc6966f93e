"""What a partner told of things that move, as tracks that fusion takes: with its origin, as coarse as it was told.

What stands follows from what was told and what was recalled, never from when or how often it came: after an outage both
sides have the same.
"""

import math
from collections.abc import Iterable
from typing import Annotated, Final

from msgspec import Meta
from msgspec.structs import replace

from marsad.geo.geodesy import EnuFrame
from marsad.kernel.error import RefusedError
from marsad.kernel.joint import Correction, JointThing, Recall
from marsad.kernel.partner_track import PartnerTrack
from marsad.kernel.picture import PictureStatus, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.record import Record
from marsad.kernel.track import Kind

_NS = 1_000_000_000
_SURE: Final = 0.9
"""How probable it is that there is anything where a partner has just said so."""

_DRIVES: Final[frozenset[Kind]] = frozenset({"vehicle", "flying"})


class ReconcileSettings(Record):
    """How a partner's word ages.

    It is `confirmed` for `fresh_s` after the moment it tells of and coasts until `kept_s`; fusion keeps it no longer
    than that either. From then until `shown_s` it is only shown. Of what does not say how fast it goes the speed is
    held to be nought with a deviation of `walk_m_s`, for machines of `drive_m_s`. A clock that is ahead of ours by more
    than `skew_s` is not believed.
    """

    fresh_s: Annotated[float, Meta(gt=0)] = 90.0
    kept_s: Annotated[float, Meta(gt=0)] = 180.0
    shown_s: Annotated[float, Meta(gt=0)] = 900.0
    walk_m_s: Annotated[float, Meta(gt=0)] = 1.5
    drive_m_s: Annotated[float, Meta(gt=0)] = 15.0
    skew_s: Annotated[float, Meta(ge=0)] = 300.0


class Reconciler:
    """Keeps the newest that one partner told of each thing.

    `grid_anchor` is where the agreement's cells are counted from, `frame` our own site's. `exercise` is whether what is
    played is taken in, and then nothing else is.
    """

    def __init__(
        self,
        partner: str,
        grid_anchor: Position,
        frame: EnuFrame,
        settings: ReconcileSettings | None = None,
        *,
        exercise: bool = False,
    ) -> None:
        self.partner = partner
        self.settings = settings or ReconcileSettings()
        self._grid = EnuFrame(replace(grid_anchor, height_m=0.0))
        self._frame = frame
        self._exercise = exercise
        self._newest: dict[str, PartnerTrack] = {}
        self._first_ns: dict[str, int] = {}
        self._recalled: set[str] = set()
        self._gone: set[str] = set()

    def take(self, track: PartnerTrack, now_ns: int) -> None:
        """Take in what was told of something; what is older than that, or came before, changes nothing.

        Raises: RefusedError for what is not the partner's own, has a clock error, is played, or has no sound numbers.
        """
        if track.origin != self.partner:
            raise RefusedError(f"{self.partner} tells of what {track.origin} saw: only what it saw itself is taken")
        if track.time_ns > now_ns + round(self.settings.skew_s * _NS):
            raise RefusedError(f"{track.release_id} tells of a time that is still to come: look at the clocks")
        if track.exercise != self._exercise:
            raise RefusedError("what is played and what is real are kept apart")
        if track.velocity_m_s is not None and not all(map(math.isfinite, track.velocity_m_s)):
            raise RefusedError(f"{track.release_id} has no speed that could be")
        held = self._newest.get(track.thing_id)
        self._first_ns[track.thing_id] = min(track.time_ns, self._first_ns.get(track.thing_id, track.time_ns))
        if held is None or _rank(track) > _rank(held):
            self._newest[track.thing_id] = track

    def recall(self, things: Iterable[JointThing]) -> None:
        """Go by the partner's recalls and corrections among joint matters.

        A thing whose newest word was recalled or corrected is gone until it is told of anew; one recalled as a whole is
        gone for good.
        """
        for thing in things:
            body, opened = thing.opened.body, thing.opened
            if opened.author != self.partner or bool(opened.exercise) != self._exercise:
                continue
            if isinstance(body, Recall):
                self.withdraw(body.releases, body.things)
            elif isinstance(body, Correction):
                self.withdraw((body.release,))

    def withdraw(self, releases: Iterable[str], things: Iterable[str] = ()) -> None:
        """Take releases for wrong, and whole things for gone."""
        self._recalled.update(releases)
        self._gone.update(things)

    def tracks(self, now_ns: int) -> tuple[PictureTrack, ...]:
        """All that the partner told and that is new enough to be joined with what we see, in the order of its names.

        What it took back, or told the end of, is `lost` a moment after it was last told, so that fusion lets it go.
        """
        return self._between(now_ns, -1.0, self.settings.kept_s)

    def stale(self, now_ns: int) -> tuple[PictureTrack, ...]:
        """What is too old for that and still worth showing: where it could be by now is nearly anywhere."""
        found = self._between(now_ns, self.settings.kept_s, self.settings.shown_s)
        return tuple(track for track in found if track.status != "lost")

    def _between(self, now_ns: int, from_s: float, until_s: float) -> tuple[PictureTrack, ...]:
        """What was told of moments so long ago; what is too old for anything is forgotten."""
        oldest = now_ns - round(max(self.settings.shown_s, self.settings.kept_s) * _NS)
        self._newest = {name: each for name, each in self._newest.items() if each.time_ns >= oldest}
        self._first_ns = {name: at for name, at in self._first_ns.items() if name in self._newest}
        ages = {name: max(now_ns - each.time_ns, 0) / _NS for name, each in self._newest.items()}
        wanted = [name for name in sorted(ages) if from_s < ages[name] <= until_s]
        return tuple(self._track(self._newest[name], ages[name]) for name in wanted)

    def _track(self, told: PartnerTrack, age_s: float) -> PictureTrack:
        """What was told as a track of the picture."""
        over = told.ended or told.release_id in self._recalled or told.thing_id in self._gone
        status: PictureStatus = "confirmed" if age_s <= self.settings.fresh_s else "coasting"
        return PictureTrack(
            track_id=told.thing_id,
            origin=told.origin,
            time_ns=told.time_ns + over,
            status="lost" if over else status,
            ground=self._ground(told),
            velocity_covariance=_round(self._speed_m_s(told) ** 2),
            existence=0.0 if over else _SURE * max(1 - age_s / self.settings.shown_s, 0.0),
            first_ns=self._first_ns[told.thing_id],
            seen_ns=told.time_ns,
            confirmed_ns=self._first_ns[told.thing_id],
            kind=told.kind,
            kind_confidence=0.0 if told.kind == "unknown" else 0.5,
            count=told.count,
        )

    def _ground(self, told: PartnerTrack) -> GroundState:
        """The middle of the cell, with the covariance of all that is left open."""
        east, north = ((index + 0.5) * told.cell_m for index in told.cell)
        latitude, longitude, _ = self._grid.to_geodetic(east, north, 0.0)
        position = Position(latitude_deg=float(latitude), longitude_deg=float(longitude))
        there = self._frame.point(position)
        velocity = told.velocity_m_s or (0.0, 0.0)
        return GroundState(
            position=position, east_m=there.east_m, north_m=there.north_m,
            covariance=_round(cell_variance_m2(told.cell_m) + told.sigma_m**2 + self._drift_m2(told)),
            velocity_east_m_s=velocity[0], velocity_north_m_s=velocity[1], range_m=0.0,
        )  # fmt: skip

    def _drift_m2(self, told: PartnerTrack) -> float:
        """How far it may have gone within the time that is left open: uniform on either side of the moment told."""
        longest_s = max(told.hold_s, told.time_precision_s)
        return (self._speed_m_s(told) * longest_s) ** 2 / 3

    def _speed_m_s(self, told: PartnerTrack) -> float:
        return self.settings.drive_m_s if told.kind in _DRIVES else self.settings.walk_m_s


def cell_variance_m2(cell_m: float) -> float:
    """The variance, along either axis, of a place of which only the square cell is known."""
    return cell_m**2 / 12


def _rank(told: PartnerTrack) -> tuple[int, bool, str]:
    """The newest word of a thing is the greatest; the end of it comes after all else of the same moment."""
    return told.time_ns, told.ended, told.release_id


def _round(variance: float) -> GroundCovariance:
    return GroundCovariance(east_m2=variance, east_north_m2=0.0, north_m2=variance)
