"""`usher inspect`: what would Usher see in this raw block? It reads files and asks no node."""

from pathlib import Path
from typing import Annotated, Any, TypeVar

import orjson
import typer

from chains.account import NotAnAccount
from chains.accounts import account_of
from chains.evm.ours import Ours
from chains.evm.parse import (
    CheckedBlock,
    Distrusted,
    Execution,
    check_block,
    check_execution,
    payments_in,
    presume_success,
)
from chains.port import Payment, Watch
from config.loader import load_registry
from config.registry import Chain, Family, Registry
from usher.cli import words
from usher.cli.context import Invocation, settings_of
from usher.cli.exits import CommandError, Exit
from usher.cli.output import AsJson, show_json

T = TypeVar("T")

app = typer.Typer(rich_markup_mode=None)

WITHOUT_RECEIPTS = "without receipts only native value is seen, and failed transactions cannot be told from others"

Block = Annotated[Path, typer.Option(metavar="FILE", help="The answer of eth_getBlockByNumber with full transactions.")]
Receipts = Annotated[Path | None, typer.Option(metavar="FILE", help="The answer of eth_getBlockReceipts.")]


@app.command("inspect")
def inspect(
    context: typer.Context,
    chain: Annotated[str, typer.Argument(metavar="CHAIN", help="CAIP-2 id, name or alias, e.g. eip155:137, polygon.")],
    more: Annotated[list[str] | None, typer.Argument(metavar="ADDRESS…", help="More addresses to watch.")] = None,
    *,
    block: Block,
    receipts: Receipts = None,
    watch: Annotated[list[str], typer.Option(metavar="ADDRESS", help="An address of ours; repeatable.")],
    as_json: AsJson = False,  # noqa: ARG001  this command prints nothing else
) -> None:
    """Print the payments that Usher would see in a raw block, as JSON.

    The files hold a node's answers as they came, with or without their JSON-RPC envelope. Tokens are those of the
    registry, and of the settings where --config names them.
    """
    registry = _registry(context)
    spoken = words.chain(registry, chain)
    if spoken.family is not Family.EVM:
        raise CommandError(f"blocks of {spoken.family} chains cannot be inspected yet", Exit.USAGE)
    watched = Watch(active=frozenset(_address(spoken, address) for address in (*watch, *(more or ()))))
    show_json(_findings(registry, spoken, watched, _answer(block), None if receipts is None else _answer(receipts)))


def _findings(registry: Registry, chain: Chain, watch: Watch, block: Any, receipts: Any) -> dict[str, Any]:
    ours = Ours.of(watch, chain)
    checked = _believed(check_block(block, recompute=chain.checked_headers))
    executions = presume_success(checked) if receipts is None else _executions(checked, receipts, ours)
    return {
        "chain": chain.id,
        "height": checked.link.height,
        "hash": checked.link.hash,
        "note": WITHOUT_RECEIPTS if receipts is None else None,
        "payments": [_told(registry, payment) for payment in _believed(payments_in(checked, executions, ours))],
    }


def _executions(block: CheckedBlock, receipts: Any, ours: Ours) -> list[Execution]:
    """Join every transaction of the block with its receipt; one without would leave open what came of it."""
    try:
        by_txid = {receipt["transactionHash"]: receipt for receipt in receipts}
        joined = [(transaction["hash"], by_txid.get(transaction["hash"])) for transaction in block.transactions]
    except (KeyError, TypeError) as error:
        raise CommandError(f"these are no receipts of this block ({error!r})", Exit.USAGE) from None
    return [_believed(check_execution(block, txid, receipt, ours)) for txid, receipt in joined]


def _believed(answer: T | Distrusted) -> T:
    if isinstance(answer, Distrusted):
        raise CommandError(f"a node would not be believed: {answer.reason}")
    return answer


def _told(registry: Registry, payment: Payment) -> dict[str, Any]:
    return {
        "id": payment.key.payment_id,
        "txid": payment.key.txid,
        "index": payment.key.index,
        **words.money(registry, payment.asset, payment.amount),
        "units": str(payment.amount),
        "destination": payment.destination,
        "sender": payment.sender,
        "memos": payment.memos,
        "internal": payment.internal,
    }


def _registry(context: typer.Context) -> Registry:
    """Return the deployment's chains where its settings were named, else all that are shipped."""
    invocation = context.find_object(Invocation)
    return load_registry() if invocation is None or invocation.config is None else settings_of(context).registry()


def _address(chain: Chain, text: str) -> str:
    account = account_of(text, network=chain.network, chain=chain)
    if isinstance(account, NotAnAccount) or account.holder.family is not chain.family:
        raise CommandError(f"--watch: {text!r} is no address on {chain.name}", Exit.USAGE)
    return account.address


def _answer(file: Path) -> Any:
    """Return a node's answer without its JSON-RPC envelope."""
    try:
        answer = orjson.loads(file.read_bytes())
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", Exit.USAGE) from None
    except orjson.JSONDecodeError as error:
        raise CommandError(f"{file} is not JSON: {error}", Exit.USAGE) from None
    if isinstance(answer, dict) and answer.get("error"):
        raise CommandError(f"{file}: the node answered with an error: {answer['error']}", Exit.USAGE)
    if isinstance(answer, dict) and "result" in answer:
        answer = answer["result"]
    if answer is None:
        raise CommandError(f"{file}: the node knew no such block", Exit.USAGE)
    return answer
