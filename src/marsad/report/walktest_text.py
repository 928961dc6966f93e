"""A walk test as people read it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from marsad.report.demonstration import Demonstration
from marsad.report.interval import Share, exact_share
from marsad.report.matching import Alignment
from marsad.report.walktest import CrossingOutcome, LineSummary, PlaceRow, RangeRow, Walktest

LIMITS: Final = (
    "It shows this line, these walkers, this night's weather and temperatures, and nothing else: repeat it by day, at "
    "dusk and in bad weather. Those who walked knew they were watched; somebody crawling is smaller. Crossings added "
    "until the figure is good enough prove less than they seem to: fix their number beforehand."
)


def render(result: Walktest) -> str:
    """The whole result."""
    parts = [part for line in result.lines for part in _line(line, result)]
    parts += [_section("By camera and range, from where somebody came into its view", _ranges(result.ranges))]
    parts += ["\n".join(_measured(result))]
    parts += [_section("Every crossing", _crossings(result.crossings))]
    return "\n\n".join([*parts, f"What it does not show. {LIMITS}"])


def clock(time_ns: int) -> str:
    """A moment in UTC."""
    return f"{datetime.fromtimestamp(time_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of text, numbers to the right."""
    wide = [max(len(row[k]) for row in (header, *rows)) for k in range(len(header))]
    left = [any(c.isalpha() for row in rows for c in row[k]) and k != 0 for k in range(len(header))]

    def line(row: Sequence[str]) -> str:
        cells = (each.ljust(w) if at else each.rjust(w) for each, w, at in zip(row, wide, left, strict=True))
        return "  " + "  ".join(cells).rstrip()

    return "\n".join(line(row) for row in (header, *rows))


def _section(title: str, text: str) -> str:
    return f"{title}\n{text}"


def _line(line: LineSummary, result: Walktest) -> Iterator[str]:
    within = result.terms.within_s
    head = [f"Line {line.line_id}, {line.length_m / 1000:.2f} km: {line.crossings} crossings"]
    if line.not_tried:
        head.append(f"  {line.not_tried} not counted: no camera was being watched")
    if line.held:
        head.append(f"  {line.held} not counted as found or missed: they began on a track that was already held")
    head.append(f"  found within {within:g} s of coming into view: {demonstration(line.found)}")
    head.append(f"  alarm within {within:g} s of being in view and across: {demonstration(line.alarmed)}")
    head.append(f"  by geometry {line.in_view} of {line.crossings} came into view" + _expectation(line))
    yield "\n".join(head)
    if line.places:
        yield _section(f"By place, metres along {line.line_id} from its first point", _places(line.places))


def _expectation(line: LineSummary) -> str:
    if line.predicted is None:
        return "; no simulation was given for what to expect of these heights in pixels"
    return f"; the simulation expects {line.predicted:.0%} to be found: {line.verdict or 'nothing was tried'}"


def demonstration(shown: Demonstration) -> str:
    """What crossings show, and how many more are needed."""
    if not shown.share.of:
        return "none tried"
    text = f"{share(shown.share)}\n    "
    if shown.shown:
        text += f"SHOWN: surely above {shown.surely_above:.1%} at 95 % confidence, so above 90 %"
    else:
        text += f"NOT SHOWN that it is above 90 % at 95 % confidence (surely above {shown.surely_above:.1%} only): "
        text += f"at least {shown.more_needed} more crossings, all of them found"
    if shown.schedule_met:
        return f"{text}; 49 of 50 or 98 of 100 is met"
    if shown.schedule_more is None:
        return f"{text}; 49 of 50 and 98 of 100 are out of reach: mend what was missed and begin anew"
    return f"{text}; 49 of 50 or 98 of 100 needs {shown.schedule_more} more, all of them found"


def share(value: Share) -> str:
    """So many of so many, with the exact interval."""
    if value.share is None:
        return "0 of 0"
    return f"{value.found} of {value.of} = {value.share:.0%} ({value.low:.0%}-{value.high:.0%})"


def _places(places: Sequence[PlaceRow]) -> str:
    rows = [
        (
            f"{row.from_m:.0f}-{row.to_m:.0f}",
            share(row.found),
            share(row.alarmed),
            str(row.held),
            str(row.not_tried),
            f"{row.in_view} of {row.crossings}",
            _percent(row.predicted),
            row.verdict or "-",
            _seconds(row.after_p50_s, row.after_p95_s),
            ", ".join(f"{count} {why}" for why, count in row.reasons.items()) or "-",
        )
        for row in places
    ]
    header = ("place, m", "found", "alarmed", "held", "not watched", "in view by geometry", "simulation", "agreement")
    return table((*header, "after s, p50/p95", "missed because"), rows)


def _ranges(ranges: Sequence[RangeRow]) -> str:
    rows = [
        (
            row.camera_id,
            f"{row.from_m:.0f}-{row.to_m:.0f}",
            "-" if row.height_px is None else f"{row.height_px:.1f}",
            share(row.found),
            str(row.held),
            _percent(row.predicted),
            row.verdict or "-",
            _seconds(row.after_p50_s, row.after_p95_s),
            "-" if row.places.median_error_m is None else f"{row.places.median_error_m:.1f}",
            "-" if row.places.inside is None else f"{row.places.inside:.0%} of {row.places.samples}",
        )
        for row in ranges
    ]
    header = ("camera", "range, m", "height, px", "found", "held", "simulation", "agreement", "after s, p50/p95")
    return table((*header, "median error, m", "inside 95 % ellipse"), rows) if rows else "  nobody came into any view"


def _measured(result: Walktest) -> Iterator[str]:
    """Positions, clocks, names and chance."""
    places = result.positions
    if places.inside is None:
        yield "Positions: no track of a walker was located"
    else:
        inside = exact_share(round(places.inside * places.samples), places.samples)
        yield (
            f"Positions: {places.samples}, one for each crossing and camera; median error {places.median_error_m:.1f} "
            f"m, 95th percentile {places.p95_error_m:.1f} m, GPS error included; "
            f"{share(inside)} inside their 95 % ellipse with the GPS's; those of one camera share its pose and error"
        )
    yield from (_alignment(each) for each in result.alignments)
    named = ", ".join(f"{kind} {count}" for kind, count in result.kinds.items()) or "none"
    yield f"The walkers' tracks were called: {named}"
    if result.chance.of:
        yield (
            f"By chance: of {result.chance.of} crossings played at other times {result.chance.found} would have met a "
            "track that is nobody's"
        )


def _alignment(each: Alignment) -> str:
    """How far a camera's clock and pose are off."""
    text = f"Camera {each.camera_id}: {each.applied_s:+.1f} s was taken off its clock; "
    if each.offset_s is None:
        return text + "no track of a walker tells how far clock and pose are off"
    return text + (
        f"its {each.tracks} tracks of walkers say {each.offset_s:+.1f} s (sigma {each.sigma_s:.1f} s), and lie "
        f"{each.farther_m:+.1f} m farther (sigma {each.farther_sigma_m:.1f} m) and {each.right_m:+.1f} m to the right "
        f"(sigma {each.right_sigma_m:.1f} m) than the GPS"
    )


def _crossings(crossings: Sequence[CrossingOutcome]) -> str:
    rows = [
        (
            str(number),
            each.crossing.walker,
            clock(each.crossing.crossed_ns),
            each.crossing.line_id,
            f"{each.crossing.along_m:.0f}",
            each.crossing.direction or "-",
            each.found,
            "-" if each.found_after_s is None else f"{each.found_after_s:.1f}",
            each.found_by or "-",
            each.alarmed,
            "-" if each.alarm_after_line_s is None else f"{each.alarm_after_line_s:+.1f}",
            "-" if each.range_m is None else f"{each.range_m:.0f}",
            "-" if each.height_px is None else f"{each.height_px:.1f}",
            _percent(each.predicted),
            each.reason or "-",
        )
        for number, each in enumerate(crossings, start=1)
    ]
    header = ("no", "walker", "crossed, UTC", "line", "at m", "direction", "track", "after s", "camera", "alarm")
    return table((*header, "line +s", "range m", "px", "simulation", "why"), rows)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _seconds(p50_s: float | None, p95_s: float | None) -> str:
    return "-" if p50_s is None or p95_s is None else f"{p50_s:.1f}/{p95_s:.1f}"
