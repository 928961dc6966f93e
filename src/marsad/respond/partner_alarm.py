"""What an alarm that a partner told us of is to our own desk."""

from marsad.geo.geodesy import EnuFrame
from marsad.kernel.alarm import Seen
from marsad.kernel.alert import Alert, Facts
from marsad.kernel.partner import PartnerState, SharedThing
from marsad.kernel.position import GroundCovariance, GroundState
from marsad.kernel.release import Heads, Release
from marsad.kernel.track import Count


def partner_alert(thing: SharedThing, name: str, frame: EnuFrame, now_ns: int) -> Alert:
    """Our own alert about an alarm of a partner's of that name."""
    release = thing.release
    kind = release.kind or "unknown"
    heads = "" if release.heads is None else f" of {_heads_text(release.heads)}"
    text = f"{name}: {(release.alarm_rule or 'an alarm').replace('_', ' ')}, {kind}{heads}."
    return Alert(
        alert_id=f"{_subject(release)}-{release.release_id[:8]}", rule="partner_alarm", rule_id=release.giver,
        priority=release.priority or "medium", time_ns=now_ns, text=text, kind=kind,
        direction=release.direction or "", ground=_ground(thing, frame), count=_count(release.heads), about="partner",
        subject_id=_subject(release), facts=Facts(time_ns=release.time_ns, reporter_ids=(release.giver,)),
    )  # fmt: skip


def partner_present(partner: PartnerState, frame: EnuFrame, now_ns: int) -> dict[str, Seen]:
    """What the partner's alarms that stand are about, as subjects of ours."""
    return {
        _subject(each.release): Seen(time_ns=now_ns, ground=_ground(each, frame))
        for each in partner.theirs
        if each.release.item == "alarm"
    }


def _subject(release: Release) -> str:
    return f"partner:{release.thing_id}"


def _heads_text(heads: Heads) -> str:
    if heads.high is None:
        return f"{heads.low} or more"
    return str(heads.low) if heads.high == heads.low else f"{heads.low} to {heads.high}"


def _count(heads: Heads | None) -> Count | None:
    if heads is None or heads.high is None:
        return None
    return Count(low=heads.low, best=(heads.low + heads.high) // 2, high=heads.high)


def _ground(thing: SharedThing, frame: EnuFrame) -> GroundState | None:
    """Where it is: the middle of its cell, known within the rule's sigma."""
    if thing.position is None or thing.release.sigma_m is None:
        return None
    at = frame.point(thing.position)
    variance = float(thing.release.sigma_m) ** 2
    return GroundState(
        position=thing.position, east_m=at.east_m, north_m=at.north_m, range_m=0.0,
        covariance=GroundCovariance(east_m2=variance, east_north_m2=0.0, north_m2=variance),
    )  # fmt: skip
