"""From a request to a wallet that proved itself, in DESIGN section 7.3's order. The ticket is decided on later."""

from datetime import datetime

from chains.account import Account, NotAnAccount
from gateway import proofs
from gateway.deps import Deps
from gateway.gate.home import account_given
from gateway.gate.lookup import DoorLookup
from gateway.gate.models import ProofGiven
from gateway.gate.pages import Pages
from gateway.problems import Code
from gateway.proofs import Expected, Proof
from tickets.event import Event
from verifier.challenge import timestamp_text
from verifier.purpose import Purpose
from verifier.verdict import Inconclusive, Invalid, Valid
from verifier.verify import verify


async def prove(given: ProofGiven, *, event: Event, event_ref: str, deps: Deps, now: datetime) -> Proof | Code:
    """Return the proof of a wallet that signed to enter this event, or the first reason why it is none."""
    account = account_given(given.wallet_address, network=deps.settings.network, registry=deps.registry)
    if isinstance(account, NotAnAccount):
        return Code.INVALID_ACCOUNT
    if given.signature is None:
        return Code.PROOF_REQUIRED
    proof = read(given, account, event=event, event_ref=event_ref, deps=deps, now=now)
    if isinstance(proof, Code):
        return proof
    lookup = DoorLookup(
        inner=deps.lookup,
        store=deps.store,
        network=deps.settings.network,
        registry=deps.registry,
        event_id=event.id,
    )
    match await verify(account, proof.text, given.signature, lookup=lookup, now=now):
        case Valid():
            return proof
        case Invalid():
            return Code.SIGNATURE_INVALID
        case Inconclusive():
            return Code.SIGNATURE_INCONCLUSIVE


def read(
    given: ProofGiven, account: Account, *, event: Event, event_ref: str, deps: Deps, now: datetime
) -> Proof | Code:
    """Return what was signed, if it is for this door and this moment."""
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
