"""Signing in and out, and the accounts."""

from typing import Any, Literal

from litestar import Request, Response, delete, get, patch, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from marsad.console.gate import address_of, cookie_name, is_same_machine
from marsad.console.gatekeeper import (
    AccountChange,
    AccountShown,
    Credentials,
    Gatekeeper,
    NewAccount,
    SignedIn,
)
from marsad.console.problem import NotDoneError
from marsad.console.roles import acts_of, answers_of, says_of
from marsad.kernel.record import Record
from marsad.kernel.role import Role

Asked = Request[Any, Any, Any]


class SessionShown(Record):
    """Who is signed in, what they may ask for, and what must be sent along with it.

    `first_run`: there is no account yet. `csrf` goes into the header `x-csrf-token` of every request that changes
    something. `acts` are the types of the acts that the role may ask for, `says` those of what it may say to a partner,
    `answers` those of what opens the matters that it may answer;
    `ends_ns` is when the session ends at the latest, by the clock on the wall.
    """

    first_run: bool
    name: str | None = None
    role: Role | None = None
    patrol_id: str = ""
    csrf: str = ""
    acts: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    idle_s: float = 0.0
    ends_ns: int = 0


class PasswordChange(Record):
    """One's own password, and the one that it shall be."""

    old: str
    new: str


def session_routes(keeper: Gatekeeper, *, tls: bool) -> list[HTTPRouteHandler]:
    """The routes of the session and of the accounts."""
    return [*_session(keeper, tls=tls), *_accounts(keeper)]


def _session(keeper: Gatekeeper, *, tls: bool) -> list[HTTPRouteHandler]:
    name = cookie_name(tls=tls)

    def show(signed_in: SignedIn | None) -> SessionShown:
        if signed_in is None:
            return SessionShown(first_run=keeper.first_run())
        return SessionShown(
            first_run=False,
            name=signed_in.person.name,
            role=signed_in.person.role,
            patrol_id=signed_in.person.patrol_id,
            csrf=signed_in.session.csrf,
            acts=acts_of(signed_in.person.role),
            says=says_of(signed_in.person.role),
            answers=answers_of(signed_in.person.role),
            idle_s=keeper.limits.idle_s,
            ends_ns=signed_in.ends_ns,
        )

    def let_in(token: str) -> Response[SessionShown]:
        cookie = Cookie(key=name, value=token, path="/", httponly=True, samesite="strict", secure=tls)
        return Response(show(keeper.who(token)), cookies=[cookie])

    @get("/api/session", opt={"public": True})
    async def session(request: Asked) -> SessionShown:
        """Who is signed in."""
        return show(request.auth)

    @post("/api/session", opt={"public": True}, status_code=200)
    async def sign_in(request: Asked, data: JSONBody[Credentials]) -> Response[SessionShown]:
        """Sign in."""
        return let_in(await keeper.sign_in(data, address_of(request), instead_of=request.cookies.get(name)))

    @delete("/api/session", opt={"patrol": True}, status_code=200)
    async def sign_out(request: Asked, everywhere: FromQuery[bool] = False) -> Response[SessionShown]:
        """Sign out, here or everywhere."""
        keeper.sign_out(request.auth, address_of(request), everywhere=everywhere)
        gone: Literal["strict"] = "strict"
        cookie = Cookie(key=name, value="", path="/", httponly=True, samesite=gone, secure=tls, max_age=0)
        return Response(show(None), cookies=[cookie])

    @post("/api/session/password", opt={"patrol": True}, status_code=200)
    async def change_password(request: Asked, data: JSONBody[PasswordChange]) -> SessionShown:
        """Change one's own password, which ends one's other sessions."""
        await keeper.change_password(request.auth, data.old, data.new, address_of(request))
        return show(request.auth)

    @post("/api/first-run", opt={"public": True}, status_code=200)
    async def first_run(request: Asked, data: JSONBody[Credentials]) -> Response[SessionShown]:
        """Make the first account, an administrator's, from this machine itself, and sign in."""
        forwarded = any(header in request.headers for header in ("forwarded", "x-forwarded-for", "x-real-ip"))
        if forwarded or not is_same_machine(request):
            raise NotDoneError(
                "NotAllowed",
                "the first account is made on the machine that the console runs on: in a browser there, or by the "
                "command marsad administrator",
            )
        return let_in(await keeper.make_first(data, address_of(request)))

    return [session, sign_in, sign_out, change_password, first_run]


def _accounts(keeper: Gatekeeper) -> list[HTTPRouteHandler]:
    least = {"least": "administrator"}

    @get("/api/accounts", opt=least)
    async def accounts() -> list[AccountShown]:
        """All accounts."""
        return keeper.shown()

    @post("/api/accounts", opt=least)
    async def make_account(request: Asked, data: JSONBody[NewAccount]) -> AccountShown:
        """Make an account."""
        return await keeper.make(data, request.user, address_of(request))

    @patch("/api/accounts/{name:str}", opt=least)
    async def change_account(request: Asked, name: FromPath[str], data: JSONBody[AccountChange]) -> AccountShown:
        """Change an account, which ends its sessions."""
        return await keeper.change(name, data, request.user, address_of(request))

    return [accounts, make_account, change_account]
