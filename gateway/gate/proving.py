"""From a request to a wallet that proved itself, in DESIGN section 7.3's order. The ticket is decided on later."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from chains.account import Account, NotAnAccount
from gateway.deps import Deps
from gateway.gate import proofs
from gateway.gate.desk import Desk
from gateway.gate.home import account_given
from gateway.gate.lookup import DoorLookup
from gateway.gate.models import ProofGiven
from gateway.gate.pages import Pages
from gateway.gate.proofs import Expected, Proof
from gateway.http.codes import Code
from tickets.event import Event
from verifier.texts.challenge import timestamp_text
from verifier.texts.purpose import Purpose
from verifier.verdict import Inconclusive, Valid
from verifier.verify import supports, verify


@dataclass(frozen=True, kw_only=True, slots=True)
class Proven:
    """A wallet signed a text that is for this door now."""

    proof: Proof
    signed: Valid  # by which scheme, and a contract's word: on which chain


async def prove(
    given: ProofGiven, *, event: Event, event_ref: str, deps: Deps, desk: Desk, now: datetime
) -> Proven | Code:
    """Return what a wallet proved that signed to enter this event, or the first reason why it is nothing."""
    account = account_given(given.wallet_address, network=deps.settings.network, registry=deps.registry)
    if isinstance(account, NotAnAccount):
        return Code.INVALID_ACCOUNT
    if not supports(account.holder.family, deps.registry.families):
        return Code.WALLET_NOT_SUPPORTED
    proof = read(given, account, event=event, event_ref=event_ref, deps=deps, now=now)
    if isinstance(proof, Code):
        return proof
    return await _signed(proof, given.signature or "", event_id=event.id, deps=deps, desk=desk, now=now)


async def _signed(
    proof: Proof, signature: str, *, event_id: int, deps: Deps, desk: Desk, now: datetime
) -> Proven | Code:
    """Return the proof if it is unspent and the wallet signed it. A spent one is told before its signature."""
    if proof.digest in desk.spent:
        return Code.PROOF_SPENT
    lookup = DoorLookup(
        inner=deps.lookup,
        nodes=desk.nodes,
        store=deps.store,
        network=deps.settings.network,
        registry=deps.registry,
        event_id=event_id,
        proof=proof.digest,
        now=now,
    )
    verdict = await verify(proof.account, proof.text, signature, lookup=lookup, now=now)
    if isinstance(verdict, Valid):  # that it is unspent, the transaction finds out: most proofs are
        return Proven(proof=proof, signed=verdict)
    if await deps.store.read(partial(_is_spent, proof.digest)):
        return Code.PROOF_SPENT
    return Code.SIGNATURE_INCONCLUSIVE if isinstance(verdict, Inconclusive) else Code.SIGNATURE_INVALID


def read(
    given: ProofGiven, account: Account, *, event: Event, event_ref: str, deps: Deps, now: datetime
) -> Proof | Code:
    """Return what is said to be signed, if it is for this door and this moment."""
    if given.signature is None:
        return Code.PROOF_REQUIRED
    expected = Expected(
        account=account,
        purpose=Purpose.JOIN,
        event_id=event.id,
        event_ref=event_ref,
        domains=Pages(deps.settings, event.page_origins).domains,
    )
    if given.timestamp is not None and given.message in (None, timestamp_text(event_ref, given.timestamp)):
        if not deps.settings.gate.timestamp_form:
            return Code.TIMESTAMP_FORM_OFF
        return proofs.read_timestamp(given.timestamp, expected, now=now)
    if given.message is None:
        return Code.PROOF_REQUIRED
    return proofs.read_message(given.message, expected, network=deps.settings.network, secret=deps.secret, now=now)


def _is_spent(digest: bytes, conn: Connection) -> bool:
    return bool(proofs.already_spent(conn, [digest]))
