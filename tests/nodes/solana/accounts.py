"""The methods that tell what accounts hold."""

from collections.abc import Sequence
from typing import Any

from solders.pubkey import Pubkey

from tests.nodes.solana.encoding import account_json
from tests.nodes.solana.execution import lamports
from tests.nodes.solana.ledger import Block
from tests.nodes.solana.node import INVALID_PARAMS, Node, RpcError, context, options_of
from tests.nodes.solana.tokens import PROGRAMS, mint, token_account, ui_amount

MOST_ACCOUNTS = 100


def balance(node: Node, address: str, config: Any = None) -> Any:
    block = node.tip(config)
    return context(block, lamports(node.ledger.account(Pubkey.from_string(address), block.slot)))


def account_info(node: Node, address: str, config: Any = None) -> Any:
    block = node.tip(config)
    return context(block, _account(node, Pubkey.from_string(address), block, config))


def multiple_accounts(node: Node, addresses: Sequence[str], config: Any = None) -> Any:
    if len(addresses) > MOST_ACCOUNTS:
        raise RpcError(INVALID_PARAMS, f"Too many inputs provided; max {MOST_ACCOUNTS}")
    block = node.tip(config)
    return context(block, [_account(node, Pubkey.from_string(one), block, config) for one in addresses])


def token_accounts_by_owner(node: Node, owner: str, which: Any, config: Any = None) -> Any:
    block = node.tip(config)
    holder = Pubkey.from_string(owner)
    if "mint" in which:
        wanted: Pubkey | None = Pubkey.from_string(which["mint"])
        kept = node.ledger.account(wanted, block.slot)
        if kept is None:
            raise RpcError(INVALID_PARAMS, "Invalid param: could not find mint")
        if mint(kept) is None:
            raise RpcError(INVALID_PARAMS, "Invalid param: not a Token mint")
        program = kept.owner
    else:
        wanted, program = None, Pubkey.from_string(which["programId"])
        if program not in PROGRAMS:
            raise RpcError(INVALID_PARAMS, "Invalid param: unrecognized Token program id")
    found = []
    for key, account in node.ledger.program_accounts(program, block.slot):
        held = token_account(account)
        if held is not None and held.owner == holder and wanted in (None, held.mint):
            found.append({"pubkey": str(key), "account": _account(node, key, block, config)})
    return context(block, found)


def token_account_balance(node: Node, address: str, config: Any = None) -> Any:
    block = node.tip(config)
    account = node.ledger.account(Pubkey.from_string(address), block.slot)
    if account is None:
        raise RpcError(INVALID_PARAMS, "Invalid param: could not find account")
    held = token_account(account)
    if held is None:
        raise RpcError(INVALID_PARAMS, "Invalid param: not a Token account")
    return context(block, ui_amount(held.amount, _decimals(node, held.mint)))


def rent(node: Node, size: int, _config: Any = None) -> int:
    return node.ledger.svm.minimum_balance_for_rent_exemption(size)


def _account(node: Node, key: Pubkey, block: Block, config: Any) -> Any:
    options = options_of(config)
    part = options.get("dataSlice")
    cut = slice(None) if part is None else slice(part["offset"], part["offset"] + part["length"])
    account = node.ledger.account(key, block.slot)
    return account_json(account, options.get("encoding") or "binary", cut, lambda token: _decimals(node, token))


def _decimals(node: Node, key: Pubkey) -> int:
    kept = mint(node.ledger.svm.get_account(key))
    return 0 if kept is None else kept.decimals
