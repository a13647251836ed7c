"""Buying: from what a buyer asks for to a placed order. Terms and limits of a sale are decided in `tickets.orders`."""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Self, TypeVar

from aiohttp import web
from pydantic import BaseModel, Field, model_validator
from sqlalchemy import Connection

from chains.account import Account, NotAnAccount
from chains.accounts import account_of, parse_caip10
from chains.catalogue import has_own_keys
from config.registry import Chain
from gateway.api.bill import Desk, OrderBill, bill_of, desk_of
from gateway.deps import DEPS, Deps
from gateway.gate import audit
from gateway.gate.audit import Action, Entry, Stranger
from gateway.gate.audit_log import AUDIT
from gateway.gate.desk import refuse
from gateway.gate.home import at_home
from gateway.gate.models import MAX_MESSAGE, Signature
from gateway.gate.pages import Pages
from gateway.gate.proofs import PROOF_PROBLEMS, Expected, Proof, read_message, spend
from gateway.http import idempotency
from gateway.http.client import client_of
from gateway.http.codes import Code
from gateway.http.idempotency import Claim, Stored
from gateway.http.limits import Budget
from gateway.http.models import EventRef, Given, WalletAddress
from gateway.http.problems import Problem
from gateway.http.routing import Result, Route
from gateway.operations.health import selling
from tickets import addresses, events, orders
from tickets.order import Order
from tickets.orders import MAX_QUANTITY, OrderRefusal, OrderRequest
from verifier.texts.purpose import Purpose
from verifier.verdict import Inconclusive, Invalid, Valid
from verifier.verify import supports, verify

R = TypeVar("R", bound=BaseModel | Problem)

REFUSALS = {
    OrderRefusal.UNKNOWN_EVENT: Code.UNKNOWN_EVENT,
    OrderRefusal.CANCELLED: Code.EVENT_CANCELLED,
    OrderRefusal.NOT_ON_SALE: Code.SALE_NOT_OPEN,
    OrderRefusal.SALE_OVER: Code.SALE_OVER,
    OrderRefusal.UNKNOWN_TIER: Code.UNKNOWN_TIER,
    OrderRefusal.QUANTITY: Code.BAD_QUANTITY,
    OrderRefusal.WRONG_ASSET: Code.ASSET_NOT_ACCEPTED,
    OrderRefusal.SOLD_OUT: Code.SOLD_OUT,
    OrderRefusal.LIMIT_REACHED: Code.PURCHASE_LIMIT,
}
ADDRESS_SECONDS = 5
"""When fresh addresses are watched: a tick of the housekeeping and a poll later."""
TIMELY = frozenset({Code.SALE_NOT_OPEN, Code.SALE_OVER})


class Purchase(Given):
    """What a buyer asks for."""

    event_id: EventRef
    payment_method: Annotated[str, Field(min_length=1, max_length=200, description="`eth`, `usdc:polygon`, or CAIP-19")]
    wallet_address: WalletAddress | None = None
    user_account: WalletAddress | None = None
    tier: Annotated[str, Field(max_length=50)] | None = None
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)] = 1
    hold: Annotated[bool, Field(description="Keep places; false locks the price only")] = True
    message: Annotated[str, Field(max_length=MAX_MESSAGE)] | None = None
    signature: Signature | None = None

    @model_validator(mode="after")
    def _names_a_holder(self) -> Self:
        if self.wallet_address is None and self.user_account is None:
            raise ValueError("wallet_address or user_account must say who is to hold the ticket")
        return self

    @model_validator(mode="after")
    def _proves_or_not(self) -> Self:
        if (self.message is None) != (self.signature is None):
            raise ValueError("message and signature come together")
        return self


async def purchase(request: web.Request, body: Purchase) -> Result:
    """Place an order, once per Idempotency-Key."""
    store = request.app[DEPS].store
    return await idempotency.answer_once(request, store, body, partial(_purchase, request, body))


async def _purchase(request: web.Request, body: Purchase, claim: Claim | None) -> Result:
    deps, now = request.app[DEPS], request.app[DEPS].clock()
    asset = deps.registry.by_payment_method(body.payment_method)
    if asset is None:
        return _counted(request, Problem(code=Code.UNKNOWN_PAYMENT_METHOD), now=now)
    chain = deps.registry.chains[asset.chain]
    account = buyer(body, chain)
    if isinstance(account, NotAnAccount):
        return _counted(request, Problem(code=Code.INVALID_ACCOUNT, detail=f"{account.reason}."), now=now)
    if not supports(account.holder.family, deps.registry.families):
        return _counted(request, Problem(code=Code.WALLET_NOT_SUPPORTED), now=now)
    proof = await _proof(deps, body, account, now=now)
    if isinstance(proof, Code):
        return await refuse(request, proof, action=Action.PURCHASE, now=now)
    wanted = OrderRequest(
        event_ref=body.event_id,
        account=account,
        asset=asset.id,
        chain=chain,
        tier=body.tier,
        quantity=body.quantity,
        proved=proof is not None,
        client=client_of(request),
        want_hold=body.hold,
    )
    entry = _entry(proof, wanted, now=now)
    work = partial(_place_and_note, wanted=wanted, proof=proof, entry=entry, desk=desk_of(deps), now=now)
    done = await deps.store.transact(partial(idempotency.once, claim=claim, work=work, status=201, now=now))
    if isinstance(done, Stored):
        return done.to_response()
    return done if entry is not None else _counted(request, done, now=now)


def _counted(request: web.Request, result: R, *, now: datetime) -> R:
    """Have the log count what came of a purchase in which nothing was proved."""
    refusal = result.code if isinstance(result, Problem) else None
    request.app[AUDIT].count(Stranger(at=now, action=Action.PURCHASE, refusal=refusal, client=client_of(request)))
    return result


def buyer(body: Purchase, chain: Chain) -> Account | NotAnAccount:
    """Return who is to hold the tickets: on the chain paid on where the wallet can be there, else at its home."""
    text = body.wallet_address or body.user_account or ""
    if ":" not in text:
        return account_of(text, network=chain.network, chain=chain)
    named = parse_caip10(text, chain.network)
    return named if isinstance(named, NotAnAccount) else account_of(named.address, network=chain.network, chain=chain)


async def _proof(deps: Deps, body: Purchase, account: Account, *, now: datetime) -> Proof | Code | None:
    """Return what the wallet proved, None where it was not asked to prove anything."""
    if body.message is None or body.signature is None:
        return None
    event = await deps.store.read(partial(events.find, ref=body.event_id))
    if event is None:
        return Code.UNKNOWN_EVENT
    expected = Expected(
        account=account,
        purpose=Purpose.PURCHASE,
        event_id=event.id,
        event_ref=event.ref,
        domains=Pages(deps.settings, event.page_origins).domains,
    )
    proof = read_message(body.message, expected, network=deps.settings.network, secret=deps.secret, now=now)
    if isinstance(proof, Code):
        return proof
    # Never the chain paid on: a stranger could choose one on which a contract at this address says yes to everybody.
    prover = at_home(account, deps.registry)
    match await verify(prover, body.message, body.signature, lookup=deps.lookup, now=now):
        case Valid():
            return proof
        case Inconclusive():
            return Code.SIGNATURE_INCONCLUSIVE
        case Invalid():
            return Code.SIGNATURE_INVALID


def _entry(proof: Proof | None, wanted: OrderRequest, *, now: datetime) -> Entry | None:
    """Return what the log will say of a wallet that proved itself; who proved nothing is an order's client only."""
    if proof is None or proof.event_id is None:
        return None
    return Entry(
        id=secrets.token_hex(16),
        at=now,
        action=Action.PURCHASE,
        refusal=None,
        event_id=proof.event_id,
        ticket_id=None,
        holder=str(proof.account.holder),
        client=wanted.client,
    )


def _place_and_note(
    conn: Connection, *, wanted: OrderRequest, proof: Proof | None, entry: Entry | None, desk: Desk, now: datetime
) -> OrderBill | Problem:
    placed = _place(conn, wanted=wanted, proof=proof, desk=desk, now=now)
    if entry is not None:
        audit.record(conn, [replace(entry, refusal=placed.code if isinstance(placed, Problem) else None)])
    return placed


def _place(
    conn: Connection, *, wanted: OrderRequest, proof: Proof | None, desk: Desk, now: datetime
) -> OrderBill | Problem:
    """Place the order and spend the proof, or neither."""
    if (paused := selling(conn, wanted.chain.id)) is not None:
        return paused
    with conn.begin_nested() as savepoint:
        if proof is not None and proof.digest not in spend(conn, (proof,)):
            return Problem(code=Code.PROOF_SPENT)
        hold_for = timedelta(minutes=desk.settings.orders.hold_minutes)
        order = orders.place(conn, wanted, now=now, hold_for=hold_for)
        if isinstance(order, Order) and order.address is None and _waits_for_address(conn, wanted.chain.id, desk):
            savepoint.rollback()
            return Problem(code=Code.NO_ADDRESS_READY, retry_after=ADDRESS_SECONDS)
        if isinstance(order, Order):
            event = events.by_ids(conn, (order.event_id,))[order.event_id]
            return bill_of(order, event, desk)
        savepoint.rollback()
    code = REFUSALS[order]
    return Problem(code=code, server_time=now if code in TIMELY else None)


def _waits_for_address(conn: Connection, chain: str, desk: Desk) -> bool:
    """Whether an order without its own address could have one soon; else it stays without (`tickets.limits`)."""
    own_keys = has_own_keys(desk.registry.chains[chain], desk.settings.chains[chain])
    return own_keys and not addresses.ready(conn, chain)


ROUTES = (
    Route(
        method="POST",
        path="/api/events/purchase",
        handler=purchase,
        summary="Place an order: lock the price, keep the places, say how to pay",
        body=Purchase,
        answer=OrderBill,
        status=201,
        budget=Budget.PURCHASES,
        idempotent=True,
        problems=(
            *REFUSALS.values(),
            Code.UNKNOWN_PAYMENT_METHOD,
            Code.INVALID_ACCOUNT,
            Code.WALLET_NOT_SUPPORTED,
            Code.CHAIN_NOT_READY,
            Code.CHAIN_STOPPED,
            Code.NO_ADDRESS_READY,
            *PROOF_PROBLEMS,
        ),
    ),
)
