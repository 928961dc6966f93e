"""The desk over HTTP: the site, the state now and then, the events, and what a person asks to be done."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final

from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from marsad.console.access import Access
from marsad.console.desk import Desk, Done
from marsad.console.gate import address_of
from marsad.console.problem import NotDoneError
from marsad.console.roles import ACTS, may, tag_of
from marsad.console.view import site_for, state_for, stored_for
from marsad.kernel.act import Act, Person
from marsad.kernel.chain import StoredEvent
from marsad.kernel.desk import DeskState
from marsad.kernel.dispatch import Dispatch
from marsad.kernel.error import RefusedError
from marsad.kernel.joint import Coverable, JointGround
from marsad.kernel.lesson import Teaching
from marsad.kernel.partner import PartnerView
from marsad.kernel.picture import Picture, PictureTrack
from marsad.kernel.site import Site
from marsad.respond.dispatch import Option

Asked = Request[Any, Any, Any]
At = Annotated[int | None, QueryParameter(name="at", description="a moment of the past, in ns since 1970, UTC")]
From = Annotated[int, QueryParameter(name="from", description="the first moment, in ns since 1970, UTC")]
To = Annotated[int, QueryParameter(name="to", description="the last moment, in ns since 1970, UTC")]

RECENT_NS: Final = 3_660 * 10**9
"""Events as young as that fill the timeline of whoever opens the desk: no look into the past, and not written down."""


def desk_routes(desk: Desk, access: Access) -> list[HTTPRouteHandler]:
    """The routes that read the desk, and the one that asks it to do something."""
    return [
        *_reading(desk, access), *_partner(desk, access), *_looking(desk), *_choosing(desk), *_agreeing(desk),
        *_doing(desk, access),
    ]  # fmt: skip


def _reading(desk: Desk, access: Access) -> list[HTTPRouteHandler]:
    def of_watch(request: Asked) -> Person:
        """Who asks for more than the present. Raises: NotDoneError for a patrol."""
        person: Person = request.user
        if person.role == "patrol":
            raise NotDoneError("NotAllowed", "a patrol sees its orders as they are now")
        return person

    async def past(request: Asked, what: str) -> None:
        """Return once it is written down who asks for the past. Raises: NotDoneError for a patrol."""
        person = of_watch(request)
        await access.tell_first("looked_back", person.name, address_of(request), subject=what)

    @get("/api/site", opt={"patrol": True})
    async def site(request: Asked) -> Site:
        """The site, without where its pictures and its terrain come from."""
        return site_for(request.user, desk.site)

    @get("/api/state", opt={"patrol": True})
    async def state(request: Asked, moment: At = None) -> DeskState:
        """Everything as it is now, or as it was known at a moment of the past."""
        if moment is None:
            return state_for(request.user, desk.state())
        await past(request, "state")
        return await asyncio.to_thread(desk.state_at, moment)

    @get("/api/events")
    async def events(request: Asked, first: From, last: To) -> list[StoredEvent]:
        """The events of a span of time in order, looks left out, 10,000 at most."""
        person = of_watch(request)
        if first < desk.now_ns() - RECENT_NS:
            await past(request, "events")
        return [event for event in await asyncio.to_thread(desk.events, first, last) if stored_for(person, event)]

    return [site, state, events]


def _partner(desk: Desk, access: Access) -> list[HTTPRouteHandler]:
    @get("/api/partner")
    async def partner(request: Asked, moment: At = None) -> PartnerView:
        """The partner, what stands between the two, and what both said, now or at a moment of the past."""
        if moment is None:
            found = desk.partner_view()
        else:
            await access.tell_first("looked_back", request.user.name, address_of(request), subject="partner")
            found = await asyncio.to_thread(desk.partner_at, moment)
        if found is None:
            raise NotDoneError("NotFound", "this site shares with nobody")
        return found

    @get("/api/joint")
    async def joint() -> Picture:
        """The joint picture: ours and what the partner told, each thing once, with who it rests on."""
        found = desk.joint_picture()
        if found is None:
            raise NotDoneError("NotFound", "this site shares with nobody")
        return found

    return [partner, joint]


def _looking(desk: Desk) -> list[HTTPRouteHandler]:
    @get("/api/tracks/{track_id:str}")
    async def track(track_id: FromPath[str]) -> PictureTrack:
        """All that is known of a track of the picture as it is now."""
        for each in desk.state().picture.tracks:
            if each.track_id == track_id:
                return each
        raise NotDoneError("NotFound", f"there is no track {track_id!r} in the picture")

    return [track]


def _choosing(desk: Desk) -> list[HTTPRouteHandler]:
    @get("/api/incidents/{incident_id:str}/options")
    async def options(incident_id: FromPath[str]) -> list[Option]:
        """What sending each patrol to an incident would come to, the best first."""
        return await asyncio.to_thread(desk.options, incident_id)

    @get("/api/alarms/{alarm_id:str}/options")
    async def alarm_options(alarm_id: FromPath[str]) -> list[Option]:
        """What sending each patrol to what an alarm is about would come to, before there is an incident of it."""
        return await asyncio.to_thread(desk.options, alarm_id)

    @get("/api/alarms/{alarm_id:str}/teaching")
    async def teaching(request: Asked, alarm_id: FromPath[str]) -> Teaching:
        """What the asker's mark of nuisance on an alarm would teach: where what is like it would be looked at first."""
        person: Person = request.user
        return desk.teaching(alarm_id, person.name)

    return [options, alarm_options, teaching]


def _agreeing(desk: Desk) -> list[HTTPRouteHandler]:
    @get("/api/partner/ground")
    async def ground() -> JointGround:
        """Posts that both agreed upon, who keeps watch there, what nobody covers, and where patrols may meet."""
        return desk.joint_ground()

    @get("/api/partner/coverage")
    async def coverage() -> Coverable:
        """The coarse cells that could be offered to the partner to be kept in view."""
        return await asyncio.to_thread(desk.coverable)

    return [ground, coverage]


def _doing(desk: Desk, access: Access) -> list[HTTPRouteHandler]:
    @post("/api/acts", opt={"patrol": True}, status_code=200)
    async def acts(request: Asked, data: JSONBody[Act]) -> Done:
        """Ask for an act; the same `act_id` counts once, however often it is sent."""
        person: Person = request.user
        tell = _teller(access, person, address_of(request), tag_of(type(data)))
        if not may(person, data, lambda number: _order(desk, number)):
            tell("role")
            raise NotDoneError("NotAllowed", _why_not(person, data))
        try:
            return await desk.act(person, data)
        except RefusedError:
            tell("rule")
            raise

    return [acts]


def _teller(access: Access, person: Person, address: str, tag: str) -> Callable[[str], object]:
    return lambda reason: access.tell("refused", person.name, address, subject=tag, reason=reason)


def _why_not(person: Person, act: Act) -> str:
    if person.role == "patrol":
        return "a patrol answers its own orders, tells its own position, and reports what it saw"
    return f"{tag_of(type(act))} takes at least the role {ACTS[type(act)]}; this account has the role {person.role}"


def _order(desk: Desk, number: str) -> Dispatch | None:
    return next((each for each in desk.state().dispatches if each.dispatch_id == number), None)
