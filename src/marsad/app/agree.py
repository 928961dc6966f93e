"""The commands `marsad agreement`: draft one, look at it, sign it, and try on yesterday's log what it would tell."""

import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from marsad.adapters.dem import site_surface
from marsad.adapters.link_keys import read_card, read_signing_key
from marsad.adapters.sqlite import SqliteLogReader
from marsad.adapters.writing import replace_whole
from marsad.app.agreement_file import own_party, read_ground, read_signed
from marsad.app.config import load_site
from marsad.app.presence_start import site_lattice
from marsad.coordinate.agreement import fingerprint, refuse_unsigned, sign, unsound
from marsad.coordinate.ground import Eye, Seen, ground_of, other_places
from marsad.coordinate.preview import Patrolling, dry_run
from marsad.coordinate.terms import SECRET_BYTES, Terms
from marsad.fuse.coverage import CoverageSettings, camera_eye
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView, site_origin
from marsad.kernel.agreement import Agreement, JointRules, Party, SignedAgreement
from marsad.kernel.error import InputError, MarsadError
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.release import Item, ReleaseRule
from marsad.kernel.site import Camera, Pose, Site
from marsad.kernel.track import Kind

NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * NS
MARGIN_M: Final = 3000.0
LOOK_CELL_M: Final = 25.0
_KINDS: Final[tuple[Kind, ...]] = ("person", "group", "vehicle", "unknown")
_MOVING: Final[tuple[Item, ...]] = ("track", "group")


class Draft(Record):
    """What a draft is made from.

    `partner_id` is what the partner is called in it; `protected_m` what cameras are protected by, 0 for nothing.
    """

    site: Path
    own: Path
    partner: Path
    partner_id: str
    anchor: Position
    days: int = 90
    near_m: int = 3000
    cell_m: int = 500
    protected_m: int = 500


class AgreementReport(Record):
    """An agreement as people read it; `wrong` is what keeps it from being signed."""

    file: str
    agreement_id: str
    version: int
    parties: tuple[str, ...]
    valid: str
    fingerprint: str
    signed_by: tuple[str, ...]
    in_force: str
    may_be_said: str
    rules: tuple[str, ...]
    wrong: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0: it is sound, signed or not yet; 1: it is not."""
        return 1 if self.wrong else 0

    def text(self) -> str:
        """The report for people."""
        lines = [
            f"{self.agreement_id}, version {self.version}: {' and '.join(self.parties)}",
            f"valid         {self.valid}",
            f"fingerprint   {self.fingerprint}",
            f"signed by     {', '.join(self.signed_by) or 'nobody yet'}",
            f"in force      {self.in_force}",
            f"may be said   {self.may_be_said}",
            *self.rules,
        ]
        return "\n".join([*lines, *(f"WRONG: {each}" for each in self.wrong)])


class DryRunReport(Record):
    """What would have been told over a log."""

    log: str
    giver: str
    told: int
    by_item: dict[str, int]
    withheld: dict[str, int]
    standing: int

    @property
    def exit_code(self) -> int:
        """0: it was tried."""
        return 0

    def text(self) -> str:
        """The report for people."""
        items = ", ".join(f"{count} of {item}" for item, count in sorted(self.by_item.items())) or "nothing"
        lines = [f"{self.giver} would have told {self.told} times: {items}; {self.standing} stand at the end."]
        lines += [f"withheld {count:7d}  {reason.replace('_', ' ')}" for reason, count in sorted(self.withheld.items())]
        return "\n".join(lines)


class GroundReport(Record):
    """The blocks in which anything is told, and how much ground the cameras see in all."""

    file: str
    block_m: int
    blocks: int
    seen_km2: float

    @property
    def exit_code(self) -> int:
        """0: something can be told; 1: no block is seen whole, so nothing with a place is."""
        return 0 if self.blocks else 1

    def text(self) -> str:
        """The report for people."""
        if not self.blocks:
            return (
                f"No block of {self.block_m} m is seen whole, from elsewhere too (the cameras see {self.seen_km2} km2"
                " in parts): where a distance is protected, nothing with a place would be told. Protect a smaller one,"
                " or add cameras."
            )
        return (
            f"{self.file}: in {self.blocks} blocks of {self.block_m} m things are told: they are seen nearly whole, and"
            " would be with any camera elsewhere too."
        )


def draft(asked: Draft, out: Path, now_ns: int | None = None) -> AgreementReport:
    """Write a draft that both can sign as it is, or change first: alarms, people and incidents near the line.

    Raises: InputError for a site without a line, or cards that cannot be read.
    """
    site = load_site(asked.site)
    if not site.lines:
        raise InputError(f"{asked.site}: has no line; an agreement is about one that both know")
    own, partner = read_card(asked.own), read_card(asked.partner)
    begin_ns = time.time_ns() if now_ns is None else now_ns
    parties = (
        Party(party_id=site.organisation, public_key=own.signing_key, name=own.name),
        Party(party_id=asked.partner_id, public_key=partner.signing_key, name=partner.name),
    )
    names = site.organisation, asked.partner_id
    agreement = Agreement(
        agreement_id=f"{names[0]}-{names[1]}", version=1, parties=parties, from_ns=begin_ns,
        until_ns=begin_ns + asked.days * DAY_NS, anchor=asked.anchor, protected_distance_m=asked.protected_m,
        block_m=max(4 * asked.protected_m // asked.cell_m, 1) * asked.cell_m, line=site.lines[0].points,
        joint=JointRules(
            kinds=("words", "incident", "handover", "look", "emergency"), cell_m=max(asked.cell_m, asked.protected_m),
            coverage_cell_m=3 * max(asked.cell_m, asked.protected_m),
        ),
        rules=tuple(rule for giver, taker in (names, names[::-1]) for rule in _rules(giver, taker, asked)),
    )  # fmt: skip
    _write(out, SignedAgreement(agreement=agreement))
    return show(out)


def show(path: Path) -> AgreementReport:
    """An agreement file as people read it. Raises: InputError."""
    signed = read_signed(path)
    agreement = signed.agreement
    try:
        refuse_unsigned(signed)
        force = "yes, by both signatures"
    except MarsadError as error:
        force = f"no: {error}"
    return AgreementReport(
        file=str(path), agreement_id=agreement.agreement_id, version=agreement.version,
        parties=tuple(f"{each.name or each.party_id} ({each.party_id})" for each in agreement.parties),
        valid=f"{_day(agreement.from_ns)} to {_day(agreement.until_ns)}", fingerprint=fingerprint(agreement),
        signed_by=tuple(each.party_id for each in signed.signatures), in_force=force,
        may_be_said=", ".join(agreement.joint.kinds) or "nothing is opened",
        rules=tuple(_rule_text(rule) for rule in agreement.rules), wrong=tuple(unsound(agreement)),
    )  # fmt: skip


def countersign(path: Path, keys: Path) -> AgreementReport:
    """Sign it with the key in a folder, beside whatever signature it has of the other party.

    Raises: InputError, RefusedError where the key is of neither party or the agreement is not sound.
    """
    signed = read_signed(path)
    ours = own_party(path, signed, keys).party_id
    others = tuple(each for each in signed.signatures if each.party_id != ours)
    mine = sign(signed.agreement, ours, read_signing_key(keys).private_bytes_raw())
    _write(path, SignedAgreement(agreement=signed.agreement, signatures=(*others, mine)))
    return show(path)


def try_on(path: Path, keys: Path, log: Path, ground: Path | None = None, site: Path | None = None) -> DryRunReport:
    """What the party whose key lies in a folder would have told over a log, whenever that was.

    Its patrols' corridors are among that only with its site, which has the patrols and their duties.

    Raises: InputError, RefusedError for an agreement that both did not sign.
    """
    signed = read_signed(path)
    giver = own_party(path, signed, keys).party_id
    blocks = None if ground is None else read_ground(ground)
    terms = Terms(signed, giver, bytes(SECRET_BYTES), blocks)
    patrolling = None if site is None else _patrolling(load_site(site))
    with SqliteLogReader(log) as reader:
        events = (each.event for each in reader.read(0, reader.head().length - 1) if each.event is not None)
        run = dry_run(events, terms, patrolling=patrolling)
    return DryRunReport(
        log=str(log), giver=giver, told=len(run.given),
        by_item=dict(Counter(each.release.item for each in run.given)), withheld=run.withheld,
        standing=len(run.view.spots),
    )  # fmt: skip


def _patrolling(site: Site) -> Patrolling:
    origin = site_origin(site)
    if origin is None:
        raise InputError("the site has no place: give it an origin, or a camera that has a pose")
    return Patrolling(EnuFrame(origin), site.patrols)


def write_ground(path: Path, site_file: Path, out: Path) -> GroundReport:
    """Work out in which blocks anything is told, with every camera at work, and write that down.

    Raises: InputError for a site without terrain or cameras that stand somewhere.
    """
    agreement = read_signed(path).agreement
    site = load_site(site_file)
    surface = site_surface(site, Path())
    if surface is None:
        raise InputError(f"{site_file}: names no terrain, so nobody knows what its cameras see; add [terrain]")
    lattice = site_lattice(site, surface.frame, MARGIN_M, LOOK_CELL_M)
    protected_m = agreement.protected_distance_m
    eyes = [_eye(each, each.pose, surface, lattice, protected_m) for each in site.cameras if each.pose is not None]
    ground = ground_of(agreement, surface.frame.origin, lattice, eyes)
    replace_whole(out, msgspec.json.encode(ground) + b"\n")
    share_km2 = round(float(np.any([eye.seen for eye in eyes], axis=0).sum()) * lattice.cell_km2, 2)
    return GroundReport(file=str(out), block_m=ground.block_m, blocks=len(ground.blocks), seen_km2=share_km2)


def parse_place(text: str) -> Position:
    """LAT,LON in degrees, as a person writes it. Raises: InputError."""
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"{text!r} is no place: write LAT,LON in degrees, such as 34.4,40.9") from error
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise InputError(f"{text!r} is no place on the earth: LAT from -90 to 90, LON from -180 to 180")
    return Position(latitude_deg=latitude, longitude_deg=longitude)


def _eye(camera: Camera, pose: Pose, surface: Surface, lattice: Lattice, protected_m: int) -> Eye:
    """What a camera sees where it stands and, where a distance is protected, where it might stand as well."""
    east, north, _ = surface.frame.from_geodetic(pose.latitude_deg, pose.longitude_deg, 0.0)
    elsewhere = []
    for away_east, away_north in other_places(protected_m) if protected_m else ():
        place = surface.frame.position(float(east) + away_east, float(north) + away_north)
        # The ground there is another: what was measured at the mast holds for the mast alone.
        moved = msgspec.structs.replace(
            pose, latitude_deg=place.latitude_deg, longitude_deg=place.longitude_deg, ground_height_m=None
        )
        elsewhere.append(_seen(camera, moved, surface, lattice))
    return Eye(seen=_seen(camera, pose, surface, lattice), elsewhere=elsewhere)


def _seen(camera: Camera, pose: Pose, surface: Surface, lattice: Lattice) -> Seen:
    settings = CoverageSettings()
    try:
        view = CameraView(camera.lens, pose, surface, reach_m=camera.reach_m)
    except InputError:
        return np.zeros((lattice.rows, lattice.columns), bool)
    found: Seen = camera_eye(camera, view, lattice, settings).chance >= settings.enough
    return found


def _rules(giver: str, taker: str, asked: Draft) -> tuple[ReleaseRule, ...]:
    """Alarms and incidents as they happen; people, groups and vehicles every minute."""
    near, cell = asked.near_m, asked.cell_m
    return (
        ReleaseRule(
            rule_id=f"{giver}-alarms", giver=giver, taker=taker, items=("alarm",), kinds=_KINDS,
            lowest_priority="medium", near_line_m=near, precision_m=cell, sigma_m=cell, time_precision_s=60,
            every_s=0, fields=("kind", "count", "alarm_rule", "priority", "direction"),
        ),
        ReleaseRule(
            rule_id=f"{giver}-moving", giver=giver, taker=taker, items=_MOVING, kinds=_KINDS, near_line_m=near,
            precision_m=cell, sigma_m=cell, time_precision_s=60, every_s=60, hold_s=120,
            fields=("kind", "count", "heading"),
        ),
        ReleaseRule(
            rule_id=f"{giver}-incidents", giver=giver, taker=taker, items=("incident",), near_line_m=near,
            precision_m=cell, sigma_m=cell, time_precision_s=60, every_s=0,
            fields=("incident_kind", "incident_state", "hazards"),
        ),
    )  # fmt: skip


def _rule_text(rule: ReleaseRule) -> str:
    area = "" if rule.near_line_m is None else f" within {rule.near_line_m} m of the line"
    area += " in a polygon" if rule.polygon else ""
    kinds = f" ({', '.join(rule.kinds)})" if rule.kinds else ""
    when = f"every {rule.every_s} s" if rule.every_s else "at once"
    delay = f", {rule.delay_s} s late" if rule.delay_s else ""
    items = ", ".join(rule.items) or "nothing"
    return (
        f"{rule.rule_id}: {rule.giver} tells {rule.taker} of {items}{kinds}{area}, as cells of {rule.precision_m} m"
        f" and times of {rule.time_precision_s} s, {when}{delay};"
        f" also {', '.join(rule.fields) or 'nothing else'}; clips: {rule.clips}"
    )


def _day(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns / NS, UTC):%Y-%m-%d %H:%M} UTC"


def _write(path: Path, signed: SignedAgreement) -> None:
    replace_whole(path, msgspec.json.format(msgspec.json.encode(signed)) + b"\n")
