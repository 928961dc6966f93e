"""Taking back, and correcting, what was told; what the partner saw meanwhile stays in both logs."""

from msgspec.structs import replace

from marsad.coordinate.offer import Offered
from marsad.coordinate.release import Shown, floored, release, sealed
from marsad.coordinate.terms import Terms
from marsad.kernel.error import RefusedError
from marsad.kernel.release import Release, Withheld

_COARSE_S = 60


def recall(told: Release, terms: Terms, now_ns: int) -> Release:
    """The release that takes back one that was told; it names that one and says nothing else, not even why.

    It is allowed whatever was narrowed or stopped since. Raises: RefusedError for what this party did not tell.
    """
    _refuse_strange(told, terms)
    step_s = next((rule.time_precision_s for rule in terms.rules if rule.rule_id == told.rule_id), _COARSE_S)
    bare = Release(
        release_id="", agreement_id=told.agreement_id, version=terms.agreement.version, rule_id=told.rule_id,
        giver=told.giver, taker=told.taker, item=told.item, thing_id=told.thing_id, time_ns=floored(now_ns, step_s),
        act="recalled", basis=told.basis, exercise=told.exercise, replaces=told.release_id,
    )  # fmt: skip
    return sealed(bare, terms)


def correct(told: Release, offered: Offered, terms: Terms, now_ns: int) -> Release:
    """The release that stands in the place of one that was told, as the rules let it be told now; else its recall.

    Raises: RefusedError for what this party did not tell.
    """
    _refuse_strange(told, terms)
    shown = None if told.cell is None else Shown(cell=told.cell)
    found = release(offered, terms, now_ns, shown)
    if isinstance(found, Withheld) or found.item != told.item:
        return recall(told, terms, now_ns)
    return sealed(replace(found, thing_id=told.thing_id, act="corrected", replaces=told.release_id), terms)


def _refuse_strange(told: Release, terms: Terms) -> None:
    if (told.agreement_id, told.giver) != (terms.agreement.agreement_id, terms.giver):
        raise RefusedError("only what this party told under this agreement is taken back or corrected")
    if told.act == "recalled":
        raise RefusedError("what was taken back already is not taken back again")
