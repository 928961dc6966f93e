"""The demonstration told to people: what happened in the order of time, and the sums."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from marsad.adapters.annotate import clock_text
from marsad.app.demo_report import AlarmReport, DemoReport, Watched
from marsad.app.stage import Stage


def narrate(stage: Stage, watched: Sequence[Watched], report: DemoReport, console: Console) -> None:
    """Print what happened in the order of time: who came into view, who was tracked, every alarm."""
    lines: list[tuple[float, str]] = []
    for each in watched:
        own = each.performance
        for party in sorted(set(own.parties.values()) - {""}):
            members = [actor_id for actor_id in own.entered if own.parties.get(actor_id) == party]
            lines.append(
                (min(own.entered[i] for i in members), f"[dim]{own.camera_id}: first of {party} comes into view[/]")
            )
            if found := [own.found[i] for i in members if i in own.found]:
                lines.append((min(found), f"[dim]{own.camera_id}: first of {party} is tracked[/]"))
        lines += [
            (time_s, f"[yellow]{own.camera_id}: {event.kind.replace('_', ' ')}{' is over' if event.ended else ''}[/]")
            for time_s, event in own.health
        ]
    lines += [(alarm.time_s, _alarm_text(alarm)) for alarm in report.alarms]
    for time_s, text in sorted(lines, key=lambda line: line[0]):
        console.print(f"{clock_text(stage.started_ns + round(time_s * 1e9))[11:]}  {text}")


def _alarm_text(alarm: AlarmReport) -> str:
    lines = [f"[bold red]ALARM[/] {alarm.camera_id}: {escape(alarm.text)}"]
    if alarm.major_m is not None:
        lines.append(f"half axes of the 95 % ellipse {alarm.major_m:.1f} m and {alarm.minor_m:.1f} m")
    if alarm.cause == "nothing":
        lines.append("[red]nobody is there: a false alarm[/]")
    elif alarm.cause != "person":
        lines.append(f"[yellow]it is no person: {alarm.cause} {alarm.party}[/]".replace(" [/]", "[/]"))
    if alarm.error_m is not None:
        lines.append(f"true error {alarm.error_m:.1f} m, which is {alarm.error_sigmas:.1f} sigma")
    if alarm.after_s is not None:
        lines.append(f"{alarm.after_s:.1f} s after that one came into this camera's view")
    return "\n            ".join(lines)


def tell(report: DemoReport, console: Console) -> None:
    """Print the sums."""
    count = "not counted" if report.counted is None else f"the four walkers counted as {report.counted}"
    console.print(f"\n[bold]{report.people} people came into view[/]: {report.people_found} tracked, {count}.")
    order = ", then ".join(f"{camera} at {time_s:.0f} s" for camera, time_s in report.first_seen.items())
    console.print(f"The walkers were tracked by {order or 'nobody'}.")
    console.print(
        f"{len(report.alarms)} alarms, of which {report.false_alarms} false and {report.nuisance_alarms} on animals, "
        "plants or insects."
    )
    for camera in report.cameras:
        recall = "no truth" if camera.recall is None else f"{camera.recall:.0%} of the true boxes found"
        console.print(
            f"{camera.camera_id}: {camera.frames} pictures, {camera.fps:.0f} a second, drawing included; "
            f"{camera.tracks} tracks, {camera.false_tracks} of them false, {recall}."
        )
    for line in report.shortcomings:
        console.print(f"[red]Not as it should be:[/] {line}")
    console.print(f"{report.simulated_s:.0f} s by {len(report.cameras)} cameras took {report.seconds:.0f} s.")
    console.print(f"In {report.out}: map.png, report.json, and for each camera its pictures, tracks, truth and log.")
