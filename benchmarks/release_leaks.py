"""Random items under random agreements, against a second implementation of the rules: nothing leaks in any field.

python benchmarks/release_leaks.py                  # 100,000 items; stops at the first that differs
python benchmarks/release_leaks.py --items 2000 --seed 7
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "coordinate"))

from release_chance import OWN_WORDS, Case, Chance, plain_case  # noqa: E402  # found by the line above
from release_oracle import told  # noqa: E402  # the same

from marsad.coordinate.release import payload, release  # noqa: E402  # the same
from marsad.kernel.release import Release  # noqa: E402  # the same

AN_AGREEMENT = 50
"""So many items are tried under each agreement."""


def differs(case: Case) -> tuple[str, Release | None]:
    """What is wrong with what is told of a case, nothing where it is as the oracle says; and what is told."""
    found, expected = release(case.offered, case.terms, case.now_ns), told(plain_case(case))
    if not isinstance(found, Release):
        return ("" if expected is None else f"withheld ({found.reason}), to be told: {expected}"), None
    if expected is None:
        return f"told, to be withheld: {found}", found
    plain = listed(found)
    names = plain.pop("release_id"), plain.pop("thing_id")
    empty = listed(EMPTY)
    wanted = {**{name: empty[name] for name in plain}, **expected}
    other = {name: (plain[name], wanted.get(name)) for name in plain if plain[name] != wanted.get(name)}
    data = payload(found)
    leaked = [word for word in OWN_WORDS if word.encode() in data]
    if any(len(name) != 32 for name in names):
        return f"names: {names}", found
    return (f"{other or leaked}" if other or leaked else ""), found


def listed(found: Release) -> dict[str, Any]:
    """A release as plain dicts and lists, by way of JSON."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return plain


EMPTY = Release(
    release_id="", agreement_id="", version=0, rule_id="", giver="", taker="", item="track", thing_id="", time_ns=0
)  # fmt: skip


def compare(items: int, seed: int) -> tuple[Counter[str], list[str]]:
    """How many were told, by item, and what differs."""
    chance, counted, wrong = Chance(seed), Counter[str](), []
    for _ in range(-(-items // AN_AGREEMENT)):
        agreement = chance.agreement()
        ground = chance.ground(agreement)
        terms = chance.terms(agreement, ground)
        for _ in range(AN_AGREEMENT):
            case = chance.case(terms, ground)
            difference, found = differs(case)
            counted["withheld" if found is None else f"{case.sort} told"] += 1
            counted["by emergency"] += found is not None and found.basis != "rule"
            if difference:
                wrong.append(f"{case.sort}, {'sound' if case.sound else 'tampered'}: {difference}\n  {case.offered}")
    return counted, wrong


def main() -> None:
    """Compare, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    start = time.perf_counter()
    counted, wrong = compare(asked.items, asked.seed)
    print(f"{sum(v for k, v in counted.items() if k != 'by emergency')} items, {time.perf_counter() - start:.0f} s")
    print("\n".join(f"{number:8d}  {what}" for what, number in sorted(counted.items())))
    print(f"{len(wrong)} differ", *wrong[:5], sep="\n")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
