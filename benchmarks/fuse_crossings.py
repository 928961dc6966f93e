"""Whether who crosses keeps one identity, and whether groups far apart ever become one.

`python benchmarks/fuse_crossings.py [--cases CASE...] [--seeds N] [--out DIR]` makes scenes (`fuse_crossing_scenes`) of
200 s before nine cameras on three towers, plays what their watches would report into the fuser, and takes the picture
with its groups every second. `handoff`: they walk from camera to camera. `hollow`: nobody can see them for 10 to 60 s.
`passing`: two parties pass within 60 m. `meeting`: two come together and part. `abreast`: two groups go alike, 160 to
300 m apart. `turned`: mounts are off by 0.2 degrees (one sigma) and nobody has aligned them. `clock`: each tower's
clock is off by half a second (one sigma). In all others mounts are off by 0.02 degrees. With `--told` the same is
measured again with the fuser told by how much each mount is off: more than that no learning of it can win.

A crossing is a party, one walker or several who go together, that two cameras or more reported for five seconds each.
What is shown for a walker are the confirmed and coasting tracks that rest on reports of him; for several who go
together the groups of such tracks, and those tracks that are in none. It has *one identity* when, from the first moment
that anything is shown for it to the last report of it, names other than its own one are shown for no more than ten
seconds in all, so are two things at once, and no other crossing has its name. Its own name is the one shown
longest; a name that the picture says was found to be the same (`formerly`) is that one. It is *not shown* when nothing
ever was. A *merge* is a moment at which one track rests on reports of two parties more than 150 m apart of the last
two seconds, or one group has members of two.
"""

import argparse
import bisect
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import beta

from figures import Target, command, show
from fuse_crossing_drawing import draw_scene
from fuse_crossing_scenes import CASES, EPOCH_NS, NS, STEP_S, Case, Crossings, crossings, mount_off
from marsad.fuse.beside import alike, side_by_side
from marsad.fuse.company import Company, with_groups
from marsad.fuse.fuser import Fuser
from marsad.fuse.picture import known_to, picture_of
from marsad.kernel.picture import Picture, PictureTrack

EVERY = round(1 / STEP_S)
GRACE_S = 10
SEEN_S = 5.0
APART_M = 150.0
RECENT_NS, FRESH_NS = 5 * NS, 2 * NS
REASONS = ("one identity", "renamed", "shown twice", "name of another", "not shown")
TARGETS = [Target("one_identity_share", "at_least", 0.95), Target("merges", "at_most", 0)]


class Thing(NamedTuple):
    """What is shown at a moment: its name, its track's, and the persons whose reports it rests on, the latest first."""

    name: str
    track_id: str
    persons: tuple[int, ...]
    fresh: frozenset[int]


class Verdict(NamedTuple):
    """What became of one crossing: its party, why it has or has not one identity, and how long what was wrong was."""

    party: int
    people: int
    reason: str
    renamed_s: int
    twice_s: int
    names: tuple[str, ...]


class Played(NamedTuple):
    """A scene, its pictures second by second, and what is said of it."""

    scene: Crossings
    pictures: list[Picture]
    verdicts: list[Verdict]
    merges: list[tuple[int, str]]
    false: int


def play(scene: Crossings, *, told: bool = False) -> list[Picture]:
    """The picture with its groups, every second; the fuser may be `told` how far off each mount is."""
    fuser, company = Fuser(scene.sensors), Company(scene.frame)
    fuser = _told(scene, fuser) if told else fuser
    known = known_to(fuser, scene.frame)
    pictures = []
    for step, looks in enumerate(scene.looks):
        state = fuser.update(looks)
        if step % EVERY == EVERY - 1:
            now_ns = max(EPOCH_NS + round((step + 1) * STEP_S * NS), state.time_ns)
            picture = picture_of(fuser.carried(state, now_ns), known)
            beside, same = side_by_side(state, known.sensors), alike(state, known.sensors, known.settings)
            pictures.append(with_groups(picture, company.update(picture.tracks, picture.time_ns, beside, same)))
    return pictures


def _told(scene: Crossings, fuser: Fuser) -> Fuser:
    """A fuser that knows to a hundredth of what is stated how far off each mount is."""
    mark, state = fuser.settled
    mean, sigma = state.bias_mean.copy(), np.sqrt(np.diag(state.bias_spread))
    for slots, sensor, view in zip(fuser.biases.slots, scene.sensors, scene.cameras, strict=True):
        mean[slots[:2]] = mount_off(sensor, view)
        sigma[slots[:2]] /= 100
    return Fuser(scene.sensors, start=(mark, state._replace(bias_mean=mean, bias_spread=np.diag(sigma**2))))


def judged(scene: Crossings, *, told: bool = False) -> Played:
    """A scene played and judged."""
    pictures = play(scene, told=told)
    moments = [_things(scene, picture) for picture in pictures]
    same = {old: track.track_id for picture in pictures for track in picture.tracks for old in track.formerly}
    verdicts = [_verdict(scene, moments, same, party) for party in range(len(scene.parties)) if _crossed(scene, party)]
    verdicts = _with_shared(verdicts)
    merges = [(second, what) for second, things in enumerate(moments) for what in _merges(scene, things, second)]
    false = {thing.track_id for things in moments for thing in things if not thing.persons}
    return Played(scene, pictures, verdicts, merges, len(false))


def _things(scene: Crossings, picture: Picture) -> list[Thing]:
    shown = [t for t in picture.tracks if t.status in {"confirmed", "coasting"}]
    return [_thing(scene, track, picture.time_ns) for track in shown]


def _thing(scene: Crossings, track: PictureTrack, now_ns: int) -> Thing:
    """A track with those whom its reports of the last five seconds were of; of one unseen, its latest."""
    newest = max((c.time_ns for c in track.contributors), default=0)
    persons, fresh = [], set()
    for each in track.contributors:
        if each.time_ns < min(now_ns - RECENT_NS, newest):
            continue
        person = _whose(scene, each.source_id, -1 if each.label is None else each.label, each.time_ns)
        if person is not None:
            persons.append(person)
            fresh |= {person} if each.time_ns >= now_ns - FRESH_NS else set()
    return Thing(track.group_id or track.track_id, track.track_id, tuple(persons), frozenset(fresh))


def _whose(scene: Crossings, source_id: str, label: int, time_ns: int) -> int | None:
    """Whose a source's label was at a moment."""
    times, persons = scene.whose.get((source_id, label), ([], []))
    at = bisect.bisect_right(times, time_ns) - 1
    return persons[at] if at >= 0 else None


def _crossed(scene: Crossings, party: int) -> bool:
    return int((scene.seen[:, party].sum(axis=0) * STEP_S >= SEEN_S).sum()) >= 2


def _verdict(scene: Crossings, moments: Sequence[list[Thing]], same: dict[str, str], party: int) -> Verdict:
    alone = scene.parties[party].place.shape[1] == 1
    last = int(np.flatnonzero(scene.seen[:, party].any(axis=1))[-1] * STEP_S)
    held: Counter[str] = Counter()
    shown: list[set[str]] = []
    twice = 0
    for things in moments[: last + 1]:
        mine = [t for t in things if t.persons and _party(scene, t) == party]
        raw = {t.track_id if alone else t.name for t in mine}
        names = {_found(same, name) for name in raw}
        held.update(names)
        shown.append(names)
        twice += len(raw) > 1
    people = scene.parties[party].place.shape[1]
    if not held:
        return Verdict(party, people, "not shown", 0, 0, ())
    own = max(held, key=lambda name: (held[name], name))
    other = sum(bool(names - {own}) and names != set() and own not in names for names in shown)
    names = (own, *sorted(set(held) - {own}))
    reason = "renamed" if other > GRACE_S else "shown twice" if twice > GRACE_S else "one identity"
    return Verdict(party, people, reason, other, twice, names)


def _party(scene: Crossings, thing: Thing) -> int:
    """The party that most of what a thing rests on is of, the latest where even."""
    parties = [scene.party_of[person] for person in thing.persons]
    return max(parties, key=lambda p: (parties.count(p), -parties.index(p)))


def _found(same: dict[str, str], name: str) -> str:
    while name in same and same[name] != name:
        name = same[name]
    return name


def _with_shared(verdicts: list[Verdict]) -> list[Verdict]:
    """The verdicts with those taken back whose name another crossing has as well."""
    owners = Counter(verdict.names[0] for verdict in verdicts if verdict.names)
    return [v._replace(reason="name of another") if v.names and owners[v.names[0]] > 1 else v for v in verdicts]


def _merges(scene: Crossings, things: Sequence[Thing], second: int) -> list[str]:
    """Which tracks and groups are of two parties far apart."""
    found = [thing.track_id for thing in things if _far_apart(scene, thing.fresh, second)]
    groups: dict[str, set[int]] = {}
    for thing in things:
        if thing.name != thing.track_id and thing.persons:
            groups.setdefault(thing.name, set()).add(thing.persons[0])
    return found + [name for name, persons in groups.items() if _far_apart(scene, persons, second)]


def _far_apart(scene: Crossings, persons: frozenset[int] | set[int], second: int) -> bool:
    """Whether two of them are of different parties and more than 150 m apart."""
    step = min(second * EVERY + EVERY - 1, len(scene.looks) - 1)
    places = np.concatenate([party.place[step] for party in scene.parties])
    return any(
        scene.party_of[i] != scene.party_of[j] and math.dist(places[i], places[j]) > APART_M
        for i in persons for j in persons if i < j
    )  # fmt: skip


def interval(good: int, count: int) -> tuple[float, float]:
    """The exact 95 % interval of a share (Clopper and Pearson)."""
    low = float(beta.ppf(0.025, good, count - good + 1)) if good else 0.0
    high = float(beta.ppf(0.975, good + 1, count - good)) if good < count else 1.0
    return low, high


def figures_of(case: str, verdicts: Sequence[Verdict]) -> dict[str, object]:
    """Crossings of a case, the share of one identity with its interval, and why the others have none."""
    reasons = Counter(verdict.reason for verdict in verdicts)
    good, count = reasons["one identity"], len(verdicts)
    low, high = interval(good, count)
    figures: dict[str, object] = {f"{case}crossings": count, f"{case}one_identity": good}
    figures |= {
        f"{case}one_identity_{k}": v for k, v in (("share", good / max(count, 1)), ("low", low), ("high", high))
    }
    return figures | {f"{case}{reason.replace(' ', '_')}": reasons[reason] for reason in REASONS[1:]}


def options() -> argparse.Namespace:
    """What was asked."""
    parser = command(__doc__)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--seeds", type=int, default=10, help="scenes of each case")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--out", type=Path, help="a folder for a picture of the worst scene of each case")
    parser.add_argument("--told", action="store_true", help="measure also what it is with all mounts known")
    parser.add_argument("--each", action="store_true", help="print each crossing that has not one identity")
    return parser.parse_args()


def _tell(case: Case, seed: int, played: Played) -> None:
    for verdict in played.verdicts:
        if verdict.reason != "one identity":
            print(
                f"{case} {seed}: party {verdict.party} of {verdict.people}: {verdict.reason}; under another name "
                f"{verdict.renamed_s} s, twice {verdict.twice_s} s: {' '.join(verdict.names)}", flush=True,
            )  # fmt: skip
    if played.merges:
        print(f"{case} {seed}: merged {len(played.merges)} times, first {played.merges[0]}", flush=True)


def main() -> None:
    """Measure case by case, print, draw."""
    asked = options()
    figures: dict[str, object] = {"scenes_of_each_case": asked.seeds, "grace_s": GRACE_S}
    everything: list[Verdict] = []
    with_told: list[Verdict] = []
    merges = false = 0
    for case in asked.cases:
        verdicts: list[Verdict] = []
        worst: Played | None = None
        for seed in range(asked.first, asked.first + asked.seeds):
            scene = crossings(case, seed)
            played = judged(scene)
            with_told += judged(scene, told=True).verdicts if asked.told else []
            verdicts += played.verdicts
            merges += len({what for _, what in played.merges})
            false += played.false
            if asked.each:
                _tell(case, seed, played)
            bad = [v.reason != "one identity" for v in played.verdicts]
            worst = (
                played if worst is None or sum(bad) > sum(v.reason != "one identity" for v in worst.verdicts) else worst
            )
        everything += verdicts
        figures |= figures_of(f"{case}_", verdicts)
        if asked.out and worst:
            asked.out.mkdir(parents=True, exist_ok=True)
            draw_scene(worst.scene, worst.pictures, asked.out / f"{case}.png")
    figures |= figures_of("told_", with_told) if asked.told else {}
    figures |= figures_of("", everything) | {"merges": merges, "false_tracks": false}
    show("fuse_crossings", figures, TARGETS, as_json=asked.json)


if __name__ == "__main__":
    main()
