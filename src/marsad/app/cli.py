"""The command `marsad`. Each subcommand is imported when it is called, so that one broken part leaves the others."""

import sys
from pathlib import Path
from typing import Annotated, Literal, Protocol

import typer

from marsad import __version__
from marsad.kernel.error import InputError, MarsadError, UnavailableError

app = typer.Typer(
    name="marsad",
    help="Keep watch over a long line on the ground with thermal cameras.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

SitePath = Annotated[Path, typer.Argument(metavar="SITE.toml", help="The site file.")]
INCOMPLETE = 5
"""The exit code of a watch that went to its end, but could not write all of its files."""

Json = Annotated[bool, typer.Option("--json", help="Print one final line of JSON.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"marsad {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Keep watch over a long line on the ground with thermal cameras."""


@app.command()
def watch(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE...", help="Videos, folders of pictures, .cptv files or rtsp:// addresses."),
    ] = None,
    site: Annotated[Path | None, typer.Option(help="The site file: where cameras, lines and zones are.")] = None,
    camera: Annotated[str | None, typer.Option(metavar="ID", help="The camera of the site that made it.")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = Path("out/watch"),
    fps: Annotated[float | None, typer.Option(help="Pictures a second, in place of the source's own.")] = None,
    video: Annotated[bool, typer.Option("--video/--no-video", help="Write annotated.mp4.")] = True,
    model: Annotated[Path | None, typer.Option(metavar="FILE.onnx", help="A model that looks at each track.")] = None,
    faint: Annotated[bool, typer.Option("--faint", help="Look for movers too faint for one picture as well.")] = False,
    as_json: Json = False,
) -> None:
    """Find, track, locate and alarm on what moves; without a SOURCE, on every camera of the site."""
    import msgspec

    from marsad.app.node import totals
    from marsad.app.watching import plan_jobs, run_jobs, summary

    jobs = plan_jobs(
        sources or [], site_path=site, camera_id=camera, out=out, fps=fps, video=video, model=model, faint=faint
    )
    ran = run_jobs(jobs, show=True)
    figures = totals(ran.results)
    typer.echo(msgspec.json.encode(figures).decode() if as_json else summary(ran.results))
    if ran.failures:
        raise typer.Exit(_exit_code(ran.failures[0]))
    if figures.incomplete:
        raise typer.Exit(INCOMPLETE)


@app.command()
def evaluate(
    tracks: Annotated[Path, typer.Argument(metavar="TRACKS", help="tracks.csv, or a MOT Challenge result file.")],
    truth: Annotated[Path, typer.Option(metavar="GT", help="MOT truth, or a CSV with frame,x,y,w,h.")],
    match: Annotated[str, typer.Option(metavar="iou:0.3|centre", help="When a box is on the truth.")] = "iou:0.3",
    fps: Annotated[float | None, typer.Option(help="Pictures a second: for figures an hour and in seconds.")] = None,
    frames: Annotated[int | None, typer.Option(help="How many pictures the recording has.")] = None,
    frame_base: Annotated[Literal["0", "1", "auto"], typer.Option(help="The number of the truth's first frame.")] = (
        "auto"
    ),
    as_json: Json = False,
) -> None:
    """Measure tracks against truth: recall, precision, MOTA, IDF1, HOTA, false tracks, delay."""
    from rich.console import Console

    from marsad.app import evaluate as evaluation

    result = evaluation.evaluate_files(tracks, truth, match=match, fps=fps, frames=frames, base=frame_base)
    if as_json:
        typer.echo(evaluation.as_json(result))
    else:
        evaluation.show(result, Console())


@app.command()
def check(site: SitePath, as_json: Json = False) -> None:
    """Read a site file and say everything that is wrong with it, or what it covers."""
    from marsad.app.check import check_site

    _must_exist(site)
    _report(check_site(site), as_json=as_json)


@app.command()
def doctor(
    site: Annotated[Path | None, typer.Argument(metavar="[SITE.toml]", help="Also try the cameras of a site.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where results will go.")] = None,
    share: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also look at the link to the partner of this folder.")
    ] = None,
    spool: Annotated[Path | None, typer.Option(metavar="FILE", help="Its spool, where that lies elsewhere.")] = None,
    as_json: Json = False,
) -> None:
    """Examine this machine: Python, codecs, cameras, clock, disk, links; each failure names what to do."""
    from marsad.app.doctor import diagnose

    if site is not None:
        _must_exist(site)
    _report(diagnose(site, out=out, share=share, spool=spool), as_json=as_json)


@app.command()
def verify(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="An events.sqlite.")],
    head: Annotated[str | None, typer.Option(metavar="COUNT:HASH", help="A head saved earlier.")] = None,
    as_json: Json = False,
) -> None:
    """Prove that a log is whole and unchanged, or name the first bad entry."""
    from marsad.app.verify import verify_log

    _report(verify_log(log, head), as_json=as_json)


@app.command()
def alarms(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="An events.sqlite.")],
    as_json: Json = False,
) -> None:
    """Fold a log's alerts into the alarms an officer has: one for each thing, with the rate and who waits."""
    from marsad.app.alarms import alarms_of_log

    _report(alarms_of_log(log), as_json=as_json)


@app.command()
def calibrate(
    site: SitePath,
    landmarks: Annotated[Path, typer.Argument(metavar="LANDMARKS.csv", help="Surveyed points seen by the camera.")],
    camera: Annotated[str, typer.Option(metavar="ID", help="The camera to be calibrated.")],
    solve: Annotated[list[str] | None, typer.Option(help="Also solve: height, position, fov. May be repeated.")] = None,
    sigma_px: Annotated[float, typer.Option(help="How well the points were read off the picture.")] = 1.0,
    as_json: Json = False,
) -> None:
    """Find a camera's pose from surveyed landmarks, with its uncertainty and the landmark that disagrees."""
    from marsad.app.calibrate import calibrate_site

    _report(calibrate_site(site, camera, landmarks, solve=solve or [], sigma_px=sigma_px), as_json=as_json)


@app.command()
def walktest(
    site: SitePath,
    gps: Annotated[list[Path], typer.Option(metavar="FILE", help="A walker's GPS track. May be repeated.")],
    log: Annotated[
        list[Path] | None, typer.Option(metavar="PATH", help="An --out folder of marsad watch, or its log.")
    ] = None,
    crossings: Annotated[Path | None, typer.Option(metavar="CSV", help="walker,start,end of each crossing.")] = None,
    line: Annotated[str | None, typer.Option(metavar="ID", help="Only this line of the site.")] = None,
    clock_offset: Annotated[str, typer.Option(metavar="S|auto", help="Camera clock ahead of the GPS.")] = "0",
    clock_sigma: Annotated[float, typer.Option(help="How well that is known, seconds.")] = 1.0,
    started: Annotated[str | None, typer.Option(metavar="TIME", help="When an undated recording began.")] = None,
    gps_sigma: Annotated[float, typer.Option(help="One sigma of the GPS, metres.")] = 5.0,
    gate: Annotated[float, typer.Option(help="How many sigmas a track may lie from its walker.")] = 5.0,
    within: Annotated[float, typer.Option(help="How soon somebody must be found, seconds.")] = 10.0,
    height: Annotated[float, typer.Option(help="How tall the walkers are, metres.")] = 1.75,
    least_px: Annotated[float, typer.Option(help="From which height in pixels on one is in view.")] = 5.0,
    cell: Annotated[float, typer.Option(help="How long a stretch of the line a row is, metres.")] = 100.0,
    range_cell: Annotated[float, typer.Option(help="How deep a camera's cell of range is, metres.")] = 250.0,
    predicted: Annotated[Path | None, typer.Option(metavar="JSON", help="What a simulation found by height.")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = Path("out/walktest"),
    as_json: Json = False,
) -> None:
    """Hold own staff's crossings with GPS against the logs: who was found and missed, where, and how sure that is."""
    from marsad.app.walktest import Setting, parse_offset, walktest_site
    from marsad.report.matching import Gate
    from marsad.report.walktest import Terms

    _must_exist(site)
    terms = Terms(
        within_s=within, least_px=least_px, height_m=height, cell_m=cell, range_m=range_cell,
        gate=Gate(sigmas=gate, clock_s=clock_sigma),
    )  # fmt: skip
    setting = Setting(
        terms=terms, line_id=line, gps_sigma_m=gps_sigma, clock_offset_s=parse_offset(clock_offset), started=started,
        crossings=crossings, predicted=predicted,
    )  # fmt: skip
    _report(walktest_site(site, gps, log or [Path("out/watch")], out, setting), as_json=as_json)


@app.command()
def fuse(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Tracks or detections: .csv, .geojson; GPS: .gpx, .nmea.")
    ],
    site: Annotated[Path | None, typer.Option(help="The site file: needed for cameras and for east and north.")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = Path("out/fuse"),
    log: Annotated[
        Path | None, typer.Option(metavar="LOG", help="The events.sqlite to write to; made where there is none.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the picture that the log ends with.")] = False,
    as_json: Json = False,
) -> None:
    """Make one picture of what many cameras, posts and patrols reported: one track for each object, on the ground."""
    from marsad.app.fuse import LogWanted, fuse_files

    if resume and log is None:
        raise InputError("--resume goes on with a log's picture: name the log with --log")
    wanted = None if log is None else LogWanted(log, resume, lambda text: typer.echo(f"marsad: {text}", err=True))
    _report(fuse_files(files, site_path=site, out=out, show=not as_json, wanted=wanted), as_json=as_json)


@app.command()
def simulate(
    scenario: Annotated[
        str | None, typer.Argument(metavar="SCENARIO", help="A scenario file, or a shipped one.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = Path("out/simulate"),
    camera: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only this camera. May be repeated.")] = None,
    kind: Annotated[
        Literal["h264", "raw16", "png"], typer.Option("--format", help="How pictures are written; raw16 is lossless.")
    ] = "h264",
    bit_rate: Annotated[int, typer.Option(metavar="KBIT", help="Kilobits a second of H.264.")] = 2000,
    seconds: Annotated[float | None, typer.Option("--for", metavar="SECONDS", help="Play only its start.")] = None,
    frames: Annotated[int | None, typer.Option(metavar="N", help="Play only so many pictures.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed than the scenario's own.")] = None,
    rtsp: Annotated[bool, typer.Option("--rtsp", help="Serve the cameras live over RTSP.")] = False,
    port: Annotated[int, typer.Option(help="The port of the RTSP server; 0 takes a free one.")] = 8554,
    listed: Annotated[bool, typer.Option("--list", help="List the shipped scenarios.")] = False,
    as_json: Json = False,
) -> None:
    """Render a scenario with its truth: recordings or live cameras that can be watched at once."""
    from marsad.app import simulate as simulation

    if listed:
        typer.echo(simulation.listing())
        return
    if scenario is None:
        raise InputError("no SCENARIO given: name a file, or one that --list names")
    wanted = simulation.Wanted(
        out=out, cameras=tuple(camera or ()), format=kind, kbit=bit_rate, frames=frames, seconds=seconds, seed=seed
    )
    if rtsp:
        from rich.console import Console

        from marsad.app.simulate_live import serve

        result = serve(scenario, wanted, port=port, console=Console(stderr=True, highlight=False))
    else:
        result = simulation.simulate(scenario, wanted, show=not as_json)
    _report(result, as_json=as_json)


@app.command()
def demo(
    seconds: Annotated[float | None, typer.Option("--for", metavar="SECONDS", help="How much of it to play.")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = Path("out/demo"),
    serve: Annotated[
        bool | None, typer.Option("--serve/--no-serve", help="Then play it live at a console; asked on a terminal.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The console's port; 0 takes a free one.")] = 8700,
    loop: Annotated[bool, typer.Option("--loop", help="Begin the live story again whenever it has ended.")] = False,
    two_sides: Annotated[
        bool, typer.Option("--two-sides", help="Play it live at both sides' desks, which share what they agreed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Play the al-Qaim night to the whole watch, hold it against the truth, and then serve it live at a console."""
    if two_sides:
        from marsad.app.two_sides import play_two_sides

        goes_on = (sys.stdin.isatty() and sys.stdout.isatty() and not as_json) if serve is None else serve
        report = play_two_sides(out / "two-sides", port=port, seconds=seconds, as_json=as_json, loop=goes_on)
        _report(report, as_json=as_json)
        return
    from marsad.app.demo import run_demo

    run_demo(seconds=seconds, out=out, as_json=as_json)
    if (sys.stdin.isatty() and sys.stdout.isatty() and not as_json) if serve is None else serve:
        from marsad.app.demo_serve import serve_demo

        serve_demo(out, port=port, loop=loop)


@app.command()
def run(
    site: SitePath,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the log, film and accounts are kept.")] = Path(
        "out/run"
    ),
    host: Annotated[str, typer.Option(help="The address that the console listens on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Its port; 0 takes a free one.")] = 8700,
    name: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A further name that browsers use. May be repeated.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(metavar="PEM", help="The console's TLS certificate.")] = None,
    key: Annotated[Path | None, typer.Option(metavar="PEM", help="Its key.")] = None,
    tls_proxy: Annotated[bool, typer.Option("--tls-proxy", help="Browsers come through a proxy that has TLS.")] = False,
    quota: Annotated[float, typer.Option(metavar="GB", help="How much film is kept.")] = 50.0,
    model: Annotated[Path | None, typer.Option(metavar="FILE.onnx", help="A model that looks at each track.")] = None,
    faint: Annotated[bool, typer.Option("--faint", help="Look for movers too faint for one picture as well.")] = False,
    share: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A partner's folder: share with it what was agreed.")
    ] = None,
    outbox: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What its gateway reads; in its folder when left out.")
    ] = None,
    spool: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What its gateway writes; in gateway/ there when left out."),
    ] = None,
    plan_file: Annotated[
        Path | None,
        typer.Option("--plan", metavar="PLAN.toml", help="What the line was planned with."),
    ] = None,
    seconds: Annotated[float | None, typer.Option("--for", metavar="SECONDS", help="Stop after so long.")] = None,
    as_json: Json = False,
) -> None:
    """Watch a site's cameras, keep their film, and serve the duty officer's console, until told to stop."""
    from marsad.app.run import Options, run_site
    from marsad.app.sharing import Share
    from marsad.app.station import Place

    _must_exist(site)
    place = Place(
        out=out, host=host, port=port, names=tuple(name or ()), certificate=certificate, key=key, tls_proxy=tls_proxy,
        quota_gb=quota,
    )  # fmt: skip
    options = Options(model, faint, None if share is None else Share(share, outbox, spool), plan_file)
    _report(run_site(site, place, seconds=seconds, options=options), as_json=as_json)


@app.command()
def administrator(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose account it is.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The --out folder of marsad run.")] = Path("out/run"),
    as_json: Json = False,
) -> None:
    """Make an administrator's account at the machine itself, or give one that is there a new password."""
    from marsad.app.administrator import make_administrator

    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    _report(make_administrator(out, name, password), as_json=as_json)


@app.command()
def presence(
    site: SitePath,
    log: Annotated[list[Path], typer.Option(metavar="PATH", help="An --out folder of marsad watch, or its log.")],
    at: Annotated[str | None, typer.Option(metavar="TIME", help="UTC, or +SECONDS after the first event.")] = None,
    patrol: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="A patrol's GPS. May be repeated.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where map, layers and report go.")] = None,
    cell: Annotated[float, typer.Option(metavar="M", help="The side of a cell.")] = 25.0,
    margin: Annotated[float, typer.Option(metavar="M", help="Ground around cameras, lines and zones.")] = 1000.0,
    visibility: Annotated[float | None, typer.Option(metavar="M", help="Where a third of all sight is left.")] = None,
    minutes: Annotated[float, typer.Option(help="What nobody has looked at for so long.")] = 60.0,
    least: Annotated[float, typer.Option(metavar="M", help="Leave out shorter open stretches.")] = 50.0,
    as_json: Json = False,
) -> None:
    """Say from logs what nobody looks at now and why, and where those who were lost could be."""
    from marsad.app.presence import Asked, presence_site

    asked = Asked(at=at, cell_m=cell, margin_m=margin, visibility_m=visibility, minutes=minutes, least_m=least)
    _report(presence_site(site, log, patrol or [], out, asked), as_json=as_json)


@app.command()
def mark(
    area: Annotated[str, typer.Argument(metavar="AREA", help="A zone of the site, or a name for what is drawn.")],
    log: Annotated[Path, typer.Option(metavar="LOG", help="The events.sqlite to write to; made where there is none.")],
    state: Annotated[Literal["unsearched", "searched", "held"], typer.Option(help="What the area is from then on.")],
    officer: Annotated[str, typer.Option(metavar="NAME", help="Who says so.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why.")],
    by: Annotated[str, typer.Option(metavar="UNIT", help="Who searched it or holds it.")] = "",
    at: Annotated[str | None, typer.Option(metavar="TIME", help="Since when, UTC; now when left out.")] = None,
    drawn: Annotated[Path | None, typer.Option(metavar="FILE.geojson", help="The area as a polygon.")] = None,
    as_json: Json = False,
) -> None:
    """Write to a log that an area is unsearched, searched or held; `marsad presence` reads it."""
    from marsad.app.mark import mark_area

    report = mark_area(log, area, state, officer=officer, reason=reason, by=by, at=at, drawn=drawn)
    _report(report, as_json=as_json)


@app.command()
def plan(
    site: Annotated[Path | None, typer.Argument(metavar="SITE.toml", help="The site file.")] = None,
    settings: Annotated[
        Path | None, typer.Option(metavar="PLAN.toml", help="What may be built, and what is asked of it.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = Path("out/plan"),
    seconds: Annotated[float, typer.Option("--for", metavar="SECONDS", help="How long to search at most.")] = 60.0,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Hold the plan against simulated walkers and turning cameras.")
    ] = True,
    reports: Annotated[
        bool, typer.Option("--report/--no-report", help="Write reports in four languages, as pages and on paper.")
    ] = True,
    split: Annotated[
        float | None, typer.Option(metavar="KM", help="Plan the line in sectors so long, each on its own.")
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option(metavar="DIR DIR", help="Hold two plans side by side instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find what is cheapest to build to hold the site's first line both ways, and how much could be saved at most."""
    from marsad.app.plan import plan_site
    from marsad.app.plan_compare import compare_plans
    from marsad.app.plan_split import plan_sectors

    if compare is not None:
        if site is not None or settings is not None:
            raise InputError("--compare takes two plans that were written before: leave SITE.toml and --settings out")
        _report(compare_plans(*compare), as_json=as_json)
        return
    if site is None or settings is None:
        raise InputError("name a SITE.toml and --settings PLAN.toml, or two plans with --compare")
    _must_exist(site)

    def tell(text: str) -> None:
        typer.echo(text, err=True)

    report = (
        plan_site(site, settings, out, seconds=seconds, tell=tell, checked=check, reported=reports)
        if split is None
        else plan_sectors(site, settings, out, split, seconds=seconds, tell=tell, checked=check, reported=reports)
    )
    _report(report, as_json=as_json)


@app.command()
def closure(
    site: SitePath,
    settings: Annotated[
        Path, typer.Option("--plan", metavar="PLAN.toml", help="The plan file that the site was planned with.")
    ],
    log: Annotated[
        list[Path] | None, typer.Option(metavar="PATH", help="An --out folder of marsad watch or run, or its log.")
    ] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="UTC, or +SECONDS after the first event.")] = None,
    down: Annotated[list[str] | None, typer.Option(metavar="ID", help="A camera not counted on. May be repeated.")] = (
        None
    ),
    manned: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A post, also a partner's, that is manned. May be repeated.")
    ] = None,
    visibility: Annotated[float | None, typer.Option(metavar="M", help="Where a third of all sight is left.")] = None,
    restore: Annotated[float, typer.Option(metavar="MIN", min=0, help="What bringing a camera back takes.")] = 30.0,
    as_json: Json = False,
) -> None:
    """Say which stretches of the planned line are open now, and what closes them cheapest."""
    from marsad.app.closure import ClosureAsked, closure_site

    _must_exist(site)
    asked = ClosureAsked(
        down=tuple(down or ()), visibility_m=visibility, manned=tuple(manned or ()), logs=tuple(log or ()), at=at,
        restore_min=restore,
    )  # fmt: skip
    _report(closure_site(site, settings, asked), as_json=as_json)


LatLon = Annotated[str, typer.Argument(metavar="LAT,LON", help="A place, degrees on WGS84.")]


@app.command()
def sees(
    site: SitePath,
    camera: Annotated[str, typer.Argument(metavar="CAMERA", help="A camera of the site.")],
    place: LatLon,
    height: Annotated[float, typer.Option(metavar="M", min=0, help="How far above the ground.")] = 1.0,
    as_json: Json = False,
) -> None:
    """Say whether a camera sees a place, and what is in the way: a ridge, its reach or its picture."""
    from marsad.app.agree import parse_place
    from marsad.app.seeing import sees as asked

    _must_exist(site)
    _report(asked(site, camera, parse_place(place), height), as_json=as_json)


@app.command("viewshed")
def viewshed_command(
    site: SitePath,
    place: LatLon,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="A .tif for map programs, or a .png.")] = None,
    mast: Annotated[float, typer.Option(metavar="M", min=0, help="The eye's height above the ground.")] = 20.0,
    target: Annotated[float, typer.Option(metavar="M", min=0, help="How tall what is looked for is.")] = 1.7,
    reach: Annotated[float, typer.Option(metavar="M", min=1, help="How far is looked.")] = 5000.0,
    cell: Annotated[float | None, typer.Option(metavar="M", help="The side of a cell; the data's own.")] = None,
    way: Annotated[
        Literal["exact", "quick", "probable"], typer.Option(help="Exact, a few percent off, or by the data's error.")
    ] = "exact",
    draws: Annotated[int, typer.Option(min=1, help="How often the data's error is drawn.")] = 32,
    as_json: Json = False,
) -> None:
    """Say what a mast at a place would see all around, as a map or a GeoTIFF."""
    from marsad.app.agree import parse_place
    from marsad.app.seeing import ViewshedAsked, viewshed

    _must_exist(site)
    asked = ViewshedAsked(mast_m=mast, target_m=target, reach_m=reach, cell_m=cell, way=way, draws=draws)
    _report(viewshed(site, parse_place(place), out, asked), as_json=as_json)


bench = typer.Typer(name="bench", help="Prove what Marsad can do.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(bench)


@bench.command("watch")
def bench_watch(
    full: Annotated[bool, typer.Option("--full/--short", help="The whole campaign, or a minute's worth.")] = False,
    days: Annotated[float | None, typer.Option(help="Camera-days of nuisances, in place of the usual.")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = Path("out/bench-watch"),
    resume: Annotated[bool, typer.Option("--resume", help="Carry on where it stopped.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; as many as cores when left out.")] = None,
    seeds: Annotated[Literal["tune", "held-out"], typer.Option(help="Scenes to tune on, or kept for proof.")] = "tune",
    faint: Annotated[bool, typer.Option("--faint", help="Look for movers too faint for one picture as well.")] = False,
    as_json: Json = False,
) -> None:
    """Play a campaign of simulated scenes through the watch, and say what it finds, misses and raises for nothing."""
    from marsad.app.bench_watch import run_campaign

    run_campaign(full=full, days=days, out=out, resume=resume, jobs=jobs, seeds=seeds, faint=faint, as_json=as_json)


@bench.command("fuse")
def bench_fuse(
    size: Annotated[
        list[int] | None, typer.Option(min=1, help="So many walkers measured as places. May be repeated: 10 and 50.")
    ] = None,
    towers: Annotated[
        list[str] | None, typer.Option(help="What cameras on masts see. May be repeated: pair and valley.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Scenes of each case.")] = 5,
    peers: Annotated[
        Path, typer.Option(metavar="CHECKOUT", help="A checkout of the source in which `make peers` was run.")
    ] = Path(),
    alone: Annotated[bool, typer.Option("--alone", help="Leave Stone Soup out.")] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where figures and pictures go.")] = Path("out/bench-fuse"),
    as_json: Json = False,
) -> None:
    """Fuse made-up scenes beside Stone Soup: how fast, how far off, what was missed and what was made up."""
    from marsad.app.bench_fuse import bench_fuse as measure

    sizes, kinds = (size or [], towers or []) if size or towers else ([10, 50], ["pair", "valley"])
    report = measure(
        sizes=sizes, towers_of=kinds, seeds=seeds, peers=None if alone else peers, out=out, show=not as_json
    )
    _report(report, as_json=as_json)


keys = typer.Typer(name="keys", help="Keys of the link to a partner.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys)
InteriorKeys = Annotated[Path, typer.Option(metavar="DIR", help="The station's folder of keys.")]
GatewayKeys = Annotated[Path, typer.Option(metavar="DIR", help="The gateway's folder of keys.")]


@keys.command("generate")
def keys_generate(
    name: Annotated[str, typer.Option(help="What your organisation is called on the card.")],
    interior: InteriorKeys,
    gateway: GatewayKeys,
    as_json: Json = False,
) -> None:
    """Make a signing key for the station, a TLS key for its gateway, and the card that shows both."""
    import time

    from marsad.app.keys import make_keys

    _report(make_keys(interior, gateway, name, time.time_ns()), as_json=as_json)


@keys.command("show")
def keys_show(
    card: Annotated[Path, typer.Argument(metavar="CARD|DIR", help="A card, or a folder of keys.")],
    as_json: Json = False,
) -> None:
    """Print a card's fingerprint, in digits and in words, to be compared in person."""
    from marsad.app.keys import show_keys

    _report(show_keys(card), as_json=as_json)


@keys.command("pin")
def keys_pin(
    card: Annotated[Path, typer.Argument(metavar="CARD", help="The partner's card.")],
    interior: InteriorKeys,
    gateway: GatewayKeys,
    fingerprint: Annotated[
        str | None, typer.Option(metavar="WORDS|HEX", help="What the partner read out to you in person.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Admit a partner; without a fingerprint only a newer card of the signing key that is pinned."""
    from marsad.app.keys import pin_card

    _report(pin_card(card, [interior, gateway], fingerprint), as_json=as_json)


@keys.command("rotate")
def keys_rotate(
    interior: InteriorKeys,
    gateway: GatewayKeys,
    use: Annotated[bool, typer.Option("--use", help="Take the next certificate into use.")] = False,
    as_json: Json = False,
) -> None:
    """Make the gateway's next certificate; call again with --use when the partner has pinned the new card."""
    import time

    from marsad.app.keys import renew

    _report(renew(interior, gateway, time.time_ns(), use=use), as_json=as_json)


@keys.command("epoch")
def keys_epoch(
    share: Annotated[Path, typer.Argument(metavar="DIR", help="The partner's folder, as `--share` names it.")],
    epoch: Annotated[
        int | None, typer.Option(min=2, help="The number both agreed on; the next one by default.")
    ] = None,
    outbox: Annotated[Path | None, typer.Option(metavar="FILE", help="The outbox, where it lies elsewhere.")] = None,
    as_json: Json = False,
) -> None:
    """Begin the streams to and from a partner anew: after a signing key was changed, or a store was lost."""
    import time

    from marsad.app.link_epoch import begin_epoch

    _report(begin_epoch(share, time.time_ns(), epoch, outbox), as_json=as_json)


@keys.command("revoke")
def keys_revoke(
    fingerprint: Annotated[str, typer.Argument(metavar="HEX", help="Of a certificate, or of a signing key.")],
    interior: InteriorKeys,
    gateway: GatewayKeys,
    reason: Annotated[str, typer.Option(help="Why, for whoever asks later.")],
    as_json: Json = False,
) -> None:
    """Refuse one of the partner's keys from now on, on connections that are open as well."""
    import time

    from marsad.app.keys import withdraw

    _report(withdraw([interior, gateway], fingerprint, reason, time.time_ns()), as_json=as_json)


@app.command()
def gateway(
    keys: Annotated[Path, typer.Option(metavar="DIR", help="The gateway's folder of keys.")],
    outbox: Annotated[Path, typer.Option(metavar="FILE", help="The station's outbox; it is only read.")],
    spool: Annotated[Path, typer.Option(metavar="FILE", help="The gateway's own file, read by the station.")],
    partner: Annotated[str, typer.Option(metavar="HOST:PORT", help="The partner's gateway.")],
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the partner's gateway pulls.")] = "[::]:8443",
) -> None:
    """Speak with a partner: hand out what was released, fetch what it released, and hold nothing else."""
    from marsad.app.gateway import GatewaySettings, parse_address, run_gateway

    run_gateway(
        GatewaySettings(
            keys=keys, outbox=outbox, spool=spool, listen=parse_address(listen), partner=parse_address(partner)
        )
    )


@app.command()
def tak(
    agreement: Annotated[Path, typer.Option(metavar="FILE", help="The agreement that both signed.")],
    outbox: Annotated[Path, typer.Option(metavar="FILE", help="The station's outbox; it is only read.")],
    spool: Annotated[Path, typer.Option(metavar="FILE", help="Its own file, read by the station.")],
    server: Annotated[str, typer.Option(metavar="HOST:PORT", help="The partner's TAK server.")],
    certificate: Annotated[Path, typer.Option(metavar="PEM", help="Our certificate, which that server admits.")],
    key: Annotated[Path, typer.Option(metavar="PEM", help="Its private key.")],
    authority: Annotated[Path, typer.Option(metavar="PEM", help="Who signed the server's certificate.")],
    server_name: Annotated[
        str, typer.Option(metavar="NAME", help="The name in the server's certificate, where that is not HOST.")
    ] = "",
) -> None:
    """Tell a partner without Marsad what was released to it, as events on its TAK server, and nothing else."""
    from marsad.adapters.tak_server import TakKeys
    from marsad.app.gateway import parse_address
    from marsad.app.tak import TakSettings, run_tak

    keys = TakKeys(certificate=certificate, key=key, authority=authority, name=server_name)
    run_tak(TakSettings(agreement=agreement, outbox=outbox, spool=spool, server=parse_address(server), keys=keys))


@app.command()
def cap(
    agreement: Annotated[Path, typer.Option(metavar="FILE", help="The agreement that both signed.")],
    outbox: Annotated[Path, typer.Option(metavar="FILE", help="The station's outbox; it is only read.")],
    spool: Annotated[Path, typer.Option(metavar="FILE", help="Its own file, read by the station.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the partner collects the messages.")],
) -> None:
    """Tell a partner without Marsad what was released to it, as CAP messages in a folder, and nothing else."""
    from marsad.app.cap import CapSettings, run_cap

    run_cap(CapSettings(agreement=agreement, outbox=outbox, spool=spool, out=out))


audit = typer.Typer(name="audit", help="Prove what was shared.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(audit)


@audit.command("verify")
def audit_verify(
    sender: Annotated[str, typer.Option(metavar="HEX", help="The sender's public signing key.")],
    receiver: Annotated[str, typer.Option(metavar="HEX", help="The receiver's public signing key.")],
    sent: Annotated[Path | None, typer.Option(metavar="FILE", help="The sender's outbox.")] = None,
    received: Annotated[Path | None, typer.Option(metavar="FILE", help="The receiver's inbox.")] = None,
    as_json: Json = False,
) -> None:
    """Find every entry that was altered, dropped, put in another order or forked, and say where."""
    from marsad.app.audit import audit as verify_link
    from marsad.app.audit import parse_key

    _report(verify_link(sent, received, parse_key(sender), parse_key(receiver)), as_json=as_json)


@audit.command("opened")
def audit_opened(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="The events.sqlite of a station.")],
    as_json: Json = False,
) -> None:
    """Say of every release, told by us or to us, who opened it and when."""
    from marsad.app.opened import opened

    _report(opened(log), as_json=as_json)


@app.command("retain")
def retain_command(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="The events.sqlite of a station that is stopped.")],
    keep: Annotated[list[str], typer.Option(metavar="KIND=DAYS", help="How long a kind is kept. May be repeated.")],
    officer: Annotated[str, typer.Option(metavar="NAME", help="Who has it done.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
    as_json: Json = False,
) -> None:
    """Erase from a log what is older than may be kept, kind by kind; its chain of hashes still verifies."""
    import time

    from marsad.app.retain import parse_keep, retain

    def tell(text: str) -> None:
        typer.echo(text, err=True)

    _report(retain(log, parse_keep(keep), officer, time.time_ns(), dry_run=dry_run, tell=tell), as_json=as_json)


agreement = typer.Typer(
    name="agreement", help="What two sides tell each other, as a file that both sign.", no_args_is_help=True,
    rich_markup_mode=None,
)  # fmt: skip
app.add_typer(agreement)
AgreementFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="An agreement, as `marsad agreement draft` writes it.")
]


@agreement.command("draft")
def agreement_draft(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the draft goes.")],
    site: Annotated[Path, typer.Option(metavar="SITE.toml", help="Our site, whose first line it is about.")],
    own: Annotated[Path, typer.Option(metavar="CARD", help="Our own card.")],
    partner: Annotated[Path, typer.Option(metavar="CARD", help="The partner's card.")],
    partner_id: Annotated[str, typer.Option(metavar="NAME", help="What the partner's site calls its organisation.")],
    anchor: Annotated[str, typer.Option(metavar="LAT,LON", help="Where the grid begins: a place both agreed upon.")],
    days: Annotated[int, typer.Option(min=1, help="How long it is valid.")] = 90,
    near: Annotated[int, typer.Option(metavar="M", min=1, help="How far from the line things are told.")] = 3000,
    cell: Annotated[
        int, typer.Option(metavar="M", min=1, help="How wide the cells are that places are told as.")
    ] = 500,
    protected: Annotated[
        int,
        typer.Option(metavar="M", min=0, help="How near nobody may come to our cameras by guessing; 0: no promise."),
    ] = 500,
    as_json: Json = False,
) -> None:
    """Write a draft: alarms and incidents at once, people and vehicles every minute, both ways, and nothing else."""
    from marsad.app.agree import Draft, draft, parse_place

    asked = Draft(
        site=site, own=own, partner=partner, partner_id=partner_id, anchor=parse_place(anchor), days=days, near_m=near,
        cell_m=cell, protected_m=protected,
    )  # fmt: skip
    _report(draft(asked, file), as_json=as_json)


@agreement.command("show")
def agreement_show(file: AgreementFile, as_json: Json = False) -> None:
    """Say what it lets be told, who signed it, and what keeps it from being signed."""
    from marsad.app.agree import show

    _report(show(file), as_json=as_json)


@agreement.command("sign")
def agreement_sign(
    file: AgreementFile,
    keys: Annotated[Path, typer.Option(metavar="DIR", help="The station's folder of keys.")],
    as_json: Json = False,
) -> None:
    """Sign it; it is in force once both have."""
    from marsad.app.agree import countersign

    _report(countersign(file, keys), as_json=as_json)


@agreement.command("ground")
def agreement_ground(
    file: AgreementFile,
    site: Annotated[Path, typer.Option(metavar="SITE.toml", help="Our site.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where it goes: ground.json in the partner's folder.")],
    as_json: Json = False,
) -> None:
    """Work out in which blocks anything is told, so that what is told does not draw what our cameras see."""
    from marsad.app.agree import write_ground

    _report(write_ground(file, site, out), as_json=as_json)


@agreement.command("dry-run")
def agreement_dry_run(
    file: AgreementFile,
    log: Annotated[Path, typer.Option(metavar="LOG", help="The events.sqlite of a station.")],
    keys: Annotated[Path, typer.Option(metavar="DIR", help="The station's folder of keys.")],
    ground: Annotated[Path | None, typer.Option(metavar="FILE", help="Its ground.json.")] = None,
    site: Annotated[Path | None, typer.Option(metavar="SITE.toml", help="Our site, for patrols' corridors.")] = None,
    as_json: Json = False,
) -> None:
    """Say what the partner would have been told over a log, and why the rest would not."""
    from marsad.app.agree import try_on

    _report(try_on(file, keys, log, ground, site), as_json=as_json)


def _must_exist(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path}: no such file; name a site file")


class _Report(Protocol):
    """What a command found."""

    @property
    def exit_code(self) -> int:
        """What the process ends with."""

    def text(self) -> str:
        """The report for people."""


def _report(report: "_Report", *, as_json: bool) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(report).decode() if as_json else report.text())
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _exit_code(error: MarsadError) -> int:
    kinds = ((InputError, 2), (UnavailableError, 3))
    return next((code for kind, code in kinds if isinstance(error, kind)), 4)


def main() -> None:
    """Run the command: one clear message, exit code 2 for bad input, 3 for something unavailable, 4 for a refusal."""
    try:
        app()
    except MarsadError as error:
        typer.echo(f"marsad: {error}", err=True)
        sys.exit(_exit_code(error))
    except KeyboardInterrupt:
        sys.exit(130)
