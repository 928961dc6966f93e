"""What may pass over the whole picture: cloud shadows, rain, blowing sand, dust, insects, glitter, smoke."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.detection import Box
from marsad.kernel.record import Record
from marsad.kernel.site import NonNegative, Positive

Cause = Literal["cloud_shadow", "rain", "sand", "dust", "insect", "glitter", "smoke"]


class EffectRecord(Record, tag_field="type"):
    """Something that passes: from `start_s` to `end_s` (left out: to the end), before one camera or all ("")."""

    camera: str = ""
    start_s: NonNegative = 0.0
    end_s: NonNegative | None = None


class CloudShadow(EffectRecord, tag="cloud_shadow"):
    """Shadows of clouds that cover the share `cover` of the ground, `depth_k` colder in their middle."""

    depth_k: float = 1.5
    cover: Annotated[float, Meta(ge=0, le=1)] = 0.4
    size_m: Positive = 350.0
    speed_m_s: NonNegative = 8.0
    heading_deg: float = 90.0


class Rain(EffectRecord, tag="rain"):
    """A haze of rain that comes and goes, and streaks of drops near the lens: a long lens blurs these into nothing."""

    rate_mm_h: Positive = 4.0


class BlowingSand(EffectRecord, tag="blowing_sand"):
    """Sand that drifts over the ground: what comes through varies from place to place by up to `depth`."""

    depth: Annotated[float, Meta(ge=0, le=1)] = 0.35
    speed_m_s: NonNegative = 12.0


class Dust(EffectRecord, tag="dust"):
    """A dust cloud that swallows the view within `rise_s` of its start and clears as fast at its end."""

    depth: Annotated[float, Meta(ge=0, le=1)] = 1.0
    rise_s: Positive = 4.0


class Insects(EffectRecord, tag="insects"):
    """Insects that cross close before the lens, `per_hour` of them at random moments, or at the moments in `at_s`."""

    per_hour: NonNegative = 20.0
    at_s: tuple[float, ...] = ()
    contrast_k: float = 1.2


class Glitter(EffectRecord, tag="glitter"):
    """Water that glitters as waves tilt it towards and away from the cold sky."""

    strength_k: NonNegative = 0.4


class Smoke(EffectRecord, tag="smoke"):
    """A thin plume from a camp fire that leans with the wind."""

    east_m: float
    north_m: float
    height_m: Positive = 12.0
    warm_k: float = 2.5


Effect = CloudShadow | Rain | BlowingSand | Dust | Insects | Glitter | Smoke


class NearThing(Record):
    """Something that an effect shows in one picture: what it is, where, and how strongly.

    `thing_id` stays the same while one thing is seen; `contrast_k` is its greatest difference to what is behind it.
    """

    cause: Cause
    thing_id: int
    box: Box
    contrast_k: float
