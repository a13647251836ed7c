"""`usher memo`: what a text, or the bytes of a transaction, say to Usher."""

import sys
from typing import Annotated, Any

import typer

from config.registry import Network
from memo.carriers import text_of
from memo.grammar import EventMemo, Memo, NotOurs, OrderMemo, Reason, SubscriptionMemo, parse
from usher.cli.exits import CommandError, Exit
from usher.cli.output import AsJson, show_record

app = typer.Typer(rich_markup_mode=None)

EXPLANATIONS = {
    Reason.EMPTY: "there is no text",
    Reason.TOO_LONG: "the text is longer than 2,048 characters",
    Reason.UNPRINTABLE: "the text holds control, invisible or undecodable characters",
    Reason.UNKNOWN_KIND: "the text begins with none of event:, o: and subscription:",
    Reason.MALFORMED: "write event:<id>:wallet:<address>, o:<code> or subscription:<plan>:account:<name>",
    Reason.BAD_EVENT: "an event is named by its number, without leading zeros, or by its slug",
    Reason.BAD_WALLET: "the wallet is no account of this network; look for a mistyped character",
    Reason.BAD_PAIR: "what follows the wallet must be :<key>:<value> pairs, no key twice",
    Reason.BAD_QUANTITY: "qty is a whole number from 1 to 9999",
    Reason.BAD_CODE: "the order code was mistyped: its check symbol does not fit",
}


@app.command("memo")
def explain(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The memo, or - to read it from standard input.")],
    *,
    network: Annotated[Network, typer.Option(help="The network whose wallets count.")] = Network.MAIN,
    as_bytes: Annotated[bool, typer.Option("--hex", help="TEXT is what a transaction carries, in hex.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a memo says, and fail if it says nothing to Usher."""
    given = sys.stdin.read() if text == "-" else text
    memo = parse(_carried(given) if as_bytes else given, network=network)
    show_record(_described(memo), as_json=as_json)
    if isinstance(memo, NotOurs):
        raise typer.Exit(Exit.FAILED)


def _carried(digits: str) -> str:
    try:
        data = bytes.fromhex(digits.strip().removeprefix("0x"))
    except ValueError:
        raise CommandError("--hex: these are not bytes in hex", Exit.USAGE) from None
    return text_of(data) or ""


def _described(memo: Memo | NotOurs) -> dict[str, Any]:
    match memo:
        case EventMemo():
            asked = {"tier": memo.tier, "qty": memo.qty, "ref": memo.ref, "extras": memo.extras}
            named = {"event": memo.event, "wallet": memo.wallet, "family": memo.holder.family, "holder": memo.holder}
            return {"kind": "event", **named, **asked}
        case OrderMemo():
            return {"kind": "order", "code": memo.code}
        case SubscriptionMemo():
            return {"kind": "subscription", "plan": memo.plan, "account": memo.account}
        case NotOurs():
            return {"kind": "not_ours", "reason": memo.reason, "explanation": EXPLANATIONS[memo.reason]}
