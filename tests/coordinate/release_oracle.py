"""What a partner may be told, worked out a second time from the words of docs/reference/agreement.md.

It knows nothing of `marsad`: everything is plain dicts and lists, positions go through PROJ, areas through clipping in
floating point, and what is told is a table. It answers for one item and one moment, without what was told before.
"""

import functools
import itertools
import math
from typing import Any

import pyproj

Plain = dict[str, Any]
S = 10**9
HEAD_CLASSES = [(1, 1), (2, 4), (5, 9), (10, 19), (20, 49), (50, None)]
PRIORITY_RANK = {"high": 3, "medium": 2, "low": 1}
ABOUT_OTHERS = {"line_crossing", "zone_intrusion", "confirmed_track", "approach", "loitering", "fence_contact",
                "group_size", "night_vehicle"}  # fmt: skip

# item: own name, moment, where, what kind, how many
SOURCES: dict[str, tuple[str, str, str, str, str]] = {
    "track": ("track_id", "time_ns", "ground.position", "kind", "count"),
    "group": ("group_id", "time_ns", "ground.position", "kind", "count"),
    "alarm": ("alarm_id", "raised_ns", "seen.ground.position", "kind", "count"),
    "alert": ("alert_id", "time_ns", "ground.position", "kind", "count"),
    "incident": ("incident_id", "changed_ns", "position", "", "expected"),
    "sighting": ("sighting_id", "seen_ns", "position", "kind", "count"),
    "patrol": ("patrol_id", "time_ns", "", "", ""),
    "post": ("post_id", "time_ns", "", "", ""),
}
COVARIANCES = {"track": "ground.covariance", "group": "ground.covariance", "alarm": "seen.ground.covariance",
               "alert": "ground.covariance"}  # fmt: skip
NAMED_AS = {"alert": "alarm"}


def at(record: Plain, path: str) -> Any:  # noqa: ANN401 - whatever stands there
    found: Any = record
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


@functools.lru_cache(maxsize=256)
def projection(latitude: float, longitude: float) -> pyproj.Transformer:
    return pyproj.Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=WGS84 "
        f"+step +proj=topocentric +ellps=WGS84 +lat_0={latitude!r} +lon_0={longitude!r} +h_0=0"
    )


def plane(agreement: Plain, position: Plain) -> tuple[float, float] | None:
    anchor = agreement["anchor"]
    turn = projection(anchor["latitude_deg"], anchor["longitude_deg"])
    east, north, up = turn.transform(position["longitude_deg"], position["latitude_deg"], 0.0)
    east, north = round(east, 3), round(north, 3)
    return (east, north) if max(abs(east), abs(north)) <= 200_000 and up > -200_000 else None


def square(x: float, size: int) -> int:
    return math.floor(round(x * 1000) / (1000 * size))


def box(cell: tuple[int, int], size: int) -> tuple[float, float, float, float]:
    return cell[0] * size, cell[1] * size, (cell[0] + 1) * size, (cell[1] + 1) * size


def away(p: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> float:
    length = math.dist(a, b)
    t = 0.0 if length == 0 else ((p[0] - a[0]) * (b[0] - a[0]) + (p[1] - a[1]) * (b[1] - a[1])) / length**2
    t = min(max(t, 0.0), 1.0)
    return math.dist(p, (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))


def clipped(a: tuple[float, float], b: tuple[float, float], rect: tuple[float, float, float, float]) -> float:
    """How much of a side, as a share of it, runs inside a box (Liang and Barsky)."""
    low, high = 0.0, 1.0
    for axis in (0, 1):
        d = b[axis] - a[axis]
        if d == 0:
            if not rect[axis] < a[axis] < rect[axis + 2]:
                return 0.0
            continue
        t = sorted(((rect[axis] - a[axis]) / d, (rect[axis + 2] - a[axis]) / d))
        low, high = max(low, t[0]), min(high, t[1])
    return max(high - low, 0.0)


def winds_round(ring: list[tuple[float, float]], p: tuple[float, float]) -> bool:
    crossings = 0
    for a, b in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (a[1] <= p[1]) != (b[1] <= p[1]):
            crossings += a[0] + (p[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) > p[0]
    return crossings % 2 == 1


def holds(agreement: Plain, rule: Plain, cell: tuple[int, int]) -> bool:
    """Whether every part of a cell lies in the rule's area."""
    rect = box(cell, rule["precision_m"])
    corners = [(rect[i], rect[j]) for i in (0, 2) for j in (1, 3)]
    near, ring = rule["near_line_m"], [plane(agreement, p) for p in rule["polygon"]]
    if near is None and not ring:
        return False
    line = [plane(agreement, p) for p in agreement["line"]]
    legs = list(itertools.pairwise(line))
    if near is not None and not any(max(away(c, a, b) for c in corners) <= near for a, b in legs):  # type: ignore[arg-type]
        return False
    sides = list(zip(ring, [*ring[1:], *ring[:1]], strict=True))
    middle = (rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2
    return not ring or (
        winds_round(ring, middle) and not any(clipped(a, b, rect) > 1e-12 for a, b in sides)  # type: ignore[arg-type]
    )


def longest(covariance: Plain) -> float:
    """The root of the larger eigenvalue, by the characteristic polynomial."""
    a, b, c = covariance["east_m2"], covariance["east_north_m2"], covariance["north_m2"]
    if a < 0 or c < 0 or a * c - b * b < -1e-9 * a * c:
        return math.inf
    return math.sqrt(((a + c) + math.sqrt((a + c) ** 2 - 4 * (a * c - b * b))) / 2)


def touched(agreement: Plain, points: list[Plain], size: int) -> list[tuple[int, int]] | None:
    """Every cell that a way touches, by trying each cell about each leg."""
    way = [plane(agreement, p) for p in points]
    if None in way:
        return None
    legs = list(itertools.pairwise(way)) or [(way[0], way[0])]
    found = set()
    for a, b in legs:
        for i in range(square(min(a[0], b[0]), size) - 1, square(max(a[0], b[0]), size) + 2):  # type: ignore[index]
            for j in range(square(min(a[1], b[1]), size) - 1, square(max(a[1], b[1]), size) + 2):  # type: ignore[index]
                rect = box((i, j), size)
                if meets(a, b, rect):  # type: ignore[arg-type]
                    found.add((i, j))
    return sorted(found)


def meets(a: tuple[float, float], b: tuple[float, float], rect: tuple[float, float, float, float]) -> bool:
    if rect[0] <= a[0] <= rect[2] and rect[1] <= a[1] <= rect[3]:
        return True
    low, high = 0.0, 1.0
    for axis in (0, 1):
        d = b[axis] - a[axis]
        if d == 0:
            if not rect[axis] <= a[axis] <= rect[axis + 2]:
                return False
            continue
        t = sorted(((rect[axis] - a[axis]) / d, (rect[axis + 2] - a[axis]) / d))
        low, high = max(low, t[0]), min(high, t[1])
    return low <= high


def open_block(agreement: Plain, ground: list[list[int]] | None, cell: tuple[int, int], size: int) -> bool:
    if ground is None:
        return not agreement["protected_distance_m"]
    return [math.floor(k * size / agreement["block_m"]) for k in cell] in ground


def everybody(sort: str, item: Plain, origins: list[str], members: list[Plain]) -> set[str]:
    tracks = [item] if sort == "track" else members if sort == "group" else []
    return {*origins} | {t["origin"] for t in tracks} | {c["origin"] for t in tracks for c in t["contributors"]}


def whose_and_real(case: Plain) -> bool:
    """Whether it is ours alone, about somebody out there, and known to be real or played."""
    sort, item, members = case["sort"], case["item"], case["members"]
    if everybody(sort, item, case["origins"], members) != {case["giver"]} or not case["origins"]:
        return False
    if sort == "alarm":
        return item["about"] == "object" and all(m["rule"] in ABOUT_OTHERS for m in item["met"])
    if sort == "alert":
        return item["about"] == "object" and item["rule"] in ABOUT_OTHERS
    if sort == "group" and (not members or {*item["members"]} != {m["track_id"] for m in members}):
        return False
    return "own" not in {item.get("standing"), *(m["standing"] for m in members)}


def seen_and_believed(sort: str, item: Plain, members: list[Plain]) -> bool:
    states = {"track": [item.get("status")], "group": [m["status"] for m in members]}.get(sort, ["confirmed"])
    return "confirmed" in states


def told(case: Plain) -> Plain | None:
    """What is told, as a release without its names; None for nothing.

    `case` has `agreement`, `giver`, `ground` (blocks or None), `acts`, `now_ns`, `sort`, `item`, `origins`, `exercise`,
    `members`, `clips` and `sound`, which is False for an item that somebody has tampered with.
    """
    agreement, now, sort, item = case["agreement"], case["now_ns"], case["sort"], case["item"]
    if not case["sound"] or not agreement["from_ns"] <= now < agreement["until_ns"] or not whose_and_real(case):
        return None
    moment = item[SOURCES[sort][1]]
    if not max(agreement["from_ns"], 0) <= moment <= now:
        return None
    played = case["exercise"] or bool(item.get("exercise"))
    mine = [r for r in agreement["rules"] if r["giver"] == case["giver"]]
    if played and not any(r["exercises"] for r in mine):
        return None
    by_rule = ruled(case, mine, moment, played)
    return by_rule if by_rule or played else by_officer(case, moment)


def ruled(case: Plain, mine: list[Plain], moment: int, played: bool) -> Plain | None:
    sort, item = case["sort"], case["item"]
    name = str(NAMED_AS.get(sort, sort))
    kind = item.get(SOURCES[sort][3])
    fitting = [r for r in mine if name in r["items"] and (kind is None or kind in r["kinds"])]
    if not fitting:
        return None
    (rule,) = fitting
    age = case["now_ns"] - moment
    covariance = at(item, COVARIANCES[sort]) if sort in COVARIANCES else None
    declared = "declared" in {item.get("standing"), *(m["standing"] for m in case["members"])}
    refused = [
        played and not rule["exercises"],
        declared and not rule["declared"],
        name == "alarm" and PRIORITY_RANK[item["priority"]] < PRIORITY_RANK[rule["lowest_priority"]],
        age > rule["oldest_s"] * S,
        age < rule["delay_s"] * S,
        not seen_and_believed(sort, item, case["members"]),
        covariance is not None and longest(covariance) > rule["sigma_m"],
        sort == "sighting" and item["sigma_m"] > rule["sigma_m"],
        sort == "post" and item["post_id"] not in rule["posts"],
    ]
    if any(refused):
        return None
    out = head_of(case, name, rule, moment, played)
    return out | chosen(case, rule, kind) | hours(sort, item, rule) if placed(case, rule, out) else None


def head_of(case: Plain, name: str, rule: Plain, moment: int, played: bool) -> Plain:
    step = rule["time_precision_s"] * S
    over = case["item"].get("state") == "closed"
    return {
        "agreement_id": case["agreement"]["agreement_id"], "version": case["agreement"]["version"],
        "rule_id": rule["rule_id"], "giver": rule["giver"], "taker": rule["taker"], "item": name,
        "time_ns": moment - moment % step, "act": "ended" if over else "told", "basis": "rule", "exercise": played,
    }  # fmt: skip


def placed(case: Plain, rule: Plain, out: Plain) -> bool:
    """Put the place into `out`; whether there is one in the area, or none is told."""
    sort, agreement, size = case["sort"], case["agreement"], rule["precision_m"]
    if sort == "post":
        return True
    if sort == "patrol":
        way = touched(agreement, case["item"]["points"], size)
        cells = [c for c in way or [] if holds(agreement, rule, c)]
        out["cells"] = [{"east": e, "north": n, "size_m": size} for e, n in cells]
        return bool(cells)
    position = at(case["item"], SOURCES[sort][2])
    point = None if position is None else plane(agreement, position)
    if point is None:
        return False
    cell = square(point[0], size), square(point[1], size)
    out["cell"] = {"east": cell[0], "north": cell[1], "size_m": size}
    out["sigma_m"] = rule["sigma_m"]
    return holds(agreement, rule, cell) and open_block(agreement, case["ground"], cell, size)


def heads(count: Plain | None) -> Plain | None:
    if count is None or count["best"] < 1:
        return None
    (found,) = [c for c in HEAD_CLASSES if c[0] <= count["best"] <= (c[1] or math.inf)]
    return {"low": found[0], "high": found[1]}


def chosen(case: Plain, rule: Plain, kind: str | None) -> Plain:
    sort, item = case["sort"], case["item"]
    met = item["met"][-1] if sort == "alarm" else item
    walks = sort in {"track", "group"}
    count = at(item, SOURCES[sort][4]) if SOURCES[sort][4] else None
    table: dict[str, tuple[str, Any]] = {
        "kind": ("kind", kind),
        "count": ("heads", heads(count)),
        "alarm_rule": ("alarm_rule", met.get("rule")),
        "priority": ("priority", item.get("priority")),
        "direction": ("direction", met.get("direction") or None),
        "velocity": ("velocity_m_s", halves(item) if walks else None),
        "certainty": ("certainty", round(item["kind_confidence"] * 4) / 4 if sort == "track" else None),
        "shape": ("shape", whole(case)),
        "path": ("path", path(case, rule) if walks else []),
    }
    if sort == "incident":
        table["incident_kind"] = "incident_kind", item["kind"]
        table["incident_state"] = "incident_state", item["state"]
        table["hazards"] = "hazards", sorted({h["kind"] for h in item["hazards"] if h["ended_ns"] is None})
        table["kind"] = "kind", None
    found = {table[f][0]: table[f][1] for f in rule["fields"] if f in table}
    if rule["clips"] == "alarms" and sort in {"alarm", "alert"}:
        found["clips"] = list(case["clips"])
    return found


def whole(case: Plain) -> Plain | None:
    sort, item = case["sort"], case["item"]
    if sort == "sighting":
        v = float(round(item["sigma_m"] ** 2))
        return {"east_m2": v, "east_north_m2": 0.0, "north_m2": v}
    covariance = at(item, COVARIANCES[sort]) if sort in COVARIANCES else None
    return covariance and {k: float(round(v)) for k, v in covariance.items()}


def halves(item: Plain) -> list[float]:
    return [round(2 * item["ground"][f"velocity_{way}_m_s"]) / 2 for way in ("east", "north")]


def path(case: Plain, rule: Plain) -> list[Plain]:
    item, size, found = case["item"], rule["precision_m"], []
    point = plane(case["agreement"], item["ground"]["position"]) or (0.0, 0.0)
    for step in item["corridor"]:
        x = round(point[0] + step["centre"]["east_m"] - item["ground"]["east_m"], 3)
        y = round(point[1] + step["centre"]["north_m"] - item["ground"]["north_m"], 3)
        cell = square(x, size), square(y, size)
        if cell not in found and holds(case["agreement"], rule, cell):
            found += [cell] if open_block(case["agreement"], case["ground"], cell, size) else []
    return [{"east": e, "north": n, "size_m": size} for e, n in found]


def hours(sort: str, item: Plain, rule: Plain) -> Plain:
    if sort not in {"post", "patrol"}:
        return {}
    step = rule["time_precision_s"] * S
    out = {"from_ns": item["from_ns"] - item["from_ns"] % step, "until_ns": item["until_ns"] + -item["until_ns"] % step}
    return out | ({"post_id": item["post_id"], "watched": item["watched"]} if sort == "post" else {})


def by_officer(case: Plain, moment: int) -> Plain | None:
    sort, item, agreement = case["sort"], case["item"], case["agreement"]
    name = item[SOURCES[sort][0]]
    acts = [a for a in case["acts"] if a["from_ns"] <= case["now_ns"] < a["until_ns"] and name in a["subject_ids"]]
    if not acts or sort in {"patrol", "post"} or case["exercise"] or item.get("exercise"):
        return None
    act, size = acts[0], acts[0]["precision_m"]
    position = at(item, SOURCES[sort][2])
    point = None if position is None else plane(agreement, position)
    if point is None:
        return None
    cell = square(point[0], size), square(point[1], size)
    wide = {"precision_m": size, "near_line_m": 500, "polygon": []}
    if act["kind"] == "handover_at_line" and not holds(agreement, wide, cell):
        return None
    covariance = at(item, COVARIANCES[sort]) if sort in COVARIANCES else None
    sigma = item["sigma_m"] if sort == "sighting" else 0 if covariance is None else longest(covariance)
    doublings = max(0, math.ceil(math.log2(sigma / size) - 1e-12)) if 0 < sigma < math.inf else 0
    met = item["met"][-1] if sort == "alarm" else item
    count = at(item, SOURCES[sort][4])
    out = {
        "agreement_id": agreement["agreement_id"], "version": agreement["version"], "rule_id": "", "act": "told",
        "giver": case["giver"], "taker": case["taker"], "item": NAMED_AS.get(sort, sort), "basis": act["kind"],
        "expires_ns": act["until_ns"], "time_ns": moment - moment % S, "exercise": False, "heads": heads(count),
        "cell": {"east": cell[0], "north": cell[1], "size_m": size}, "sigma_m": size * 2**doublings,
        "kind": item["kind"] if sort != "incident" else None,
        "alarm_rule": met["rule"] if sort in {"alarm", "alert"} else None,
        "direction": (met["direction"] or None) if sort in {"alarm", "alert"} else None,
    }  # fmt: skip
    if sort == "incident":
        out |= {"incident_kind": item["kind"], "incident_state": item["state"],
                "hazards": sorted({h["kind"] for h in item["hazards"] if h["ended_ns"] is None})}  # fmt: skip
    return out
