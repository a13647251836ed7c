"""Which chain speaks for a contract wallet at a door, and for which tickets. A key speaks for its holder's all. Pure.

Anybody may deploy a wallet at somebody's address on another chain, and give that address a ticket paid there: what such
a wallet says opens that ticket and no other, and it keeps nobody from the ticket that was bought on the right chain.
"""

from collections.abc import Sequence
from dataclasses import replace

from chains.account import Account
from chains.accounts import parse_caip10
from config.registry import Network, Registry
from gateway.gate.checks import Role, Standing, TicketAtDoor
from gateway.gate.home import at_home
from verifier.verdict import Inconclusive, Invalid, Valid, Verdict

EVM = "eip155:"


def chains_to_ask(stands: Standing, account: Account, *, registry: Registry, network: Network) -> tuple[str, ...]:
    """Return the chains (CAIP-2) whose word would open the door: those of the tickets in the best state there is.

    They are as few as this deployment sells on, since a ticket's chain is the one it was paid on, or the home chain.
    """
    if stands.role is Role.HOST:
        creator = parse_caip10(stands.event.creator, network)
        return (creator.chain,) if isinstance(creator, Account) else ()
    home = at_home(account, registry).chain
    best = [ticket for ticket in stands.tickets if ticket.state is stands.tickets[0].state]
    return tuple(dict.fromkeys(_chain_of(ticket, home) for ticket in best))


def foremost(verdicts: Sequence[Verdict], account: Account) -> Verdict:
    """Return the verdict that counts of the chains that were asked: an acceptance, that of the named chain first."""
    if accepted := [one for one in verdicts if isinstance(one, Valid)]:
        return next((one for one in accepted if one.account.chain == account.chain), accepted[0])
    doubts = sorted((one for one in verdicts if isinstance(one, Inconclusive)), key=lambda one: not one.passing)
    return next(iter(doubts), Invalid(reason="the account's contract refuses the signature"))


def narrowed(stands: Standing, signed: Valid, *, registry: Registry, network: Network) -> Standing | None:
    """Return how somebody stands by what was signed alone, None where that opens nothing here."""
    if signed.by_key:
        return stands
    if stands.role is Role.HOST:
        speaks = chains_to_ask(stands, signed.account, registry=registry, network=network)
        return stands if signed.account.chain in speaks else None
    home = at_home(signed.account, registry).chain
    theirs = tuple(ticket for ticket in stands.tickets if _chain_of(ticket, home) == signed.account.chain)
    return replace(stands, tickets=theirs) if theirs else None


def _chain_of(ticket: TicketAtDoor, home: str) -> str:
    paid_on = ticket.paid_on or ""
    return paid_on if paid_on.startswith(EVM) else home
