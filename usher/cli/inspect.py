"""`usher inspect`: what would Usher see in this raw block or transaction? It reads files and asks no node."""

import re
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from chains.account import NotAnAccount
from chains.accounts import account_of
from chains.catalogue import inspector
from chains.distrust import Distrusted
from chains.inspection import Given, Inspected
from chains.port import Payment, Watch
from config.loader import load_registry
from config.registry import Chain, Registry
from usher.cli import words
from usher.cli.context import Invocation, settings_of
from usher.cli.exits import CommandError, Exit
from usher.cli.output import AsJson, show_json

_HEX = re.compile(rb"\s*(?=.*[a-f])[0-9a-f]{20,}\s*")
"""What `bitcoin-cli getblock … 0` prints: no JSON at all. A number alone, which has no letter, stays one."""

app = typer.Typer(rich_markup_mode=None)

Block = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A block as the node answers: eth_getBlockByNumber with full transactions, getblock (0 or 2), getBlock, "
        "block_api.get_block, the transfers of monero-wallet-rpc.",
    ),
]
Transaction = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="One transaction: eth_getTransactionByHash, getrawtransaction, getTransaction, get_transfer_by_txid.",
    ),
]
Receipts = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="EVM: the answer of eth_getBlockReceipts, for one transaction of eth_getTransactionReceipt.",
    ),
]


@app.command("inspect")
def inspect(
    context: typer.Context,
    chain: Annotated[str, typer.Argument(metavar="CHAIN", help="CAIP-2 id, name or alias, e.g. eip155:137, polygon.")],
    more: Annotated[list[str] | None, typer.Argument(metavar="ADDRESS…", help="More addresses to watch.")] = None,
    *,
    block: Block = None,
    transaction: Transaction = None,
    receipts: Receipts = None,
    watch: Annotated[list[str], typer.Option(metavar="ADDRESS", help="An address of ours; repeatable.")],
    as_json: AsJson = False,  # noqa: ARG001  this command prints nothing else
) -> None:
    """Print the payments that Usher would see in a raw block or transaction, as JSON.

    The files hold a node's answers as they came, with or without their JSON-RPC envelope. Tokens are those of the
    registry, and of the settings where --config names them.
    """
    registry = _registry(context)
    spoken = words.chain(registry, chain)
    watched = Watch(active=frozenset(_address(spoken, address) for address in (*watch, *(more or ()))))
    if (block is None) is (transaction is None):
        raise CommandError("give --block FILE or --transaction FILE", Exit.USAGE)
    given = Given(block=_answer(block), transaction=_answer(transaction), receipts=_answer(receipts))
    found = inspector(spoken.family)(given, spoken, watched)
    if isinstance(found, Distrusted):
        raise CommandError(f"a node would not be believed: {found.reason}")
    show_json(_findings(registry, spoken, found))


def _findings(registry: Registry, chain: Chain, found: Inspected) -> dict[str, Any]:
    return {
        "chain": chain.id,
        "height": found.height,
        "hash": found.hash,
        "note": found.note,
        "payments": [_told(registry, payment) for payment in found.payments],
    }


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
        "references": payment.references,
        "internal": payment.internal,
    }


def _registry(context: typer.Context) -> Registry:
    """Return the deployment's chains where its settings were named, else all that are shipped."""
    invocation = context.find_object(Invocation)
    return load_registry() if invocation is None or invocation.config is None else settings_of(context).registry()


def _address(chain: Chain, text: str) -> str:
    account = account_of(text, network=chain.network, chain=chain)
    if isinstance(account, NotAnAccount) or account.chain != chain.id:
        raise CommandError(f"--watch: {text!r} is no address on {chain.name}", Exit.USAGE)
    return account.address


def _answer(file: Path | None) -> Any:
    """Return a node's answer without its JSON-RPC envelope; None where no file was given."""
    if file is None:
        return None
    try:
        text = file.read_bytes()
        answer = text.decode("ascii").strip() if _HEX.fullmatch(text) else orjson.loads(text)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", Exit.USAGE) from None
    except orjson.JSONDecodeError as error:
        raise CommandError(f"{file} is not JSON: {error}", Exit.USAGE) from None
    if isinstance(answer, dict) and answer.get("error"):
        raise CommandError(f"{file}: the node answered with an error: {answer['error']}", Exit.USAGE)
    if isinstance(answer, dict) and "result" in answer:
        answer = answer["result"]
    if answer is None:
        raise CommandError(f"{file}: the node knew nothing of this", Exit.USAGE)
    return answer
