"""What SPL token accounts and mints hold, read from their bytes, and how a node's JSON writes amounts of them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey

TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_2022 = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
PROGRAMS = {TOKEN: "spl-token", TOKEN_2022: "spl-token-2022"}
MINT_SIZE, ACCOUNT_SIZE, MULTISIG_SIZE = 82, 165, 355
_IS_MINT, _IS_ACCOUNT = 1, 2  # Token-2022 marks what an account with extensions is behind the first 165 bytes
_STATES = ("uninitialized", "initialized", "frozen")


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenAccount:
    """Whose tokens these are."""

    mint: Pubkey
    owner: Pubkey
    amount: int
    state: str
    program: Pubkey
    native_reserve: int | None  # lamports kept as rent, where the account wraps SOL


@dataclass(frozen=True, kw_only=True, slots=True)
class Mint:
    """A kind of token."""

    supply: int
    decimals: int
    authority: Pubkey | None
    freeze_authority: Pubkey | None


def token_account(account: Account | None) -> TokenAccount | None:
    """Return what a token account holds; None for anything else."""
    if account is None or account.owner not in PROGRAMS:
        return None
    data = bytes(account.data)
    extended = account.owner == TOKEN_2022 and len(data) > ACCOUNT_SIZE and data[ACCOUNT_SIZE] == _IS_ACCOUNT
    if (len(data) != ACCOUNT_SIZE and not extended) or len(data) == MULTISIG_SIZE or not data[108]:
        return None
    wraps = int.from_bytes(data[109:113], "little") == 1
    return TokenAccount(
        mint=Pubkey(data[:32]),
        owner=Pubkey(data[32:64]),
        amount=int.from_bytes(data[64:72], "little"),
        state=_STATES[data[108]],
        program=account.owner,
        native_reserve=int.from_bytes(data[113:121], "little") if wraps else None,
    )


def mint(account: Account | None) -> Mint | None:
    """Return what a mint says of its token; None for anything else."""
    if account is None or account.owner not in PROGRAMS:
        return None
    data = bytes(account.data)
    extended = account.owner == TOKEN_2022 and len(data) > ACCOUNT_SIZE and data[ACCOUNT_SIZE] == _IS_MINT
    if (len(data) != MINT_SIZE and not extended) or len(data) == MULTISIG_SIZE or not data[45]:
        return None
    return Mint(
        supply=int.from_bytes(data[36:44], "little"),
        decimals=data[44],
        authority=_optional(data[:36]),
        freeze_authority=_optional(data[46:82]),
    )


def ui_amount(amount: int, decimals: int) -> dict[str, Any]:
    """Return an amount as nodes write it."""
    exact = Decimal(amount).scaleb(-decimals)
    text = f"{exact:f}"
    return {
        "amount": str(amount),
        "decimals": decimals,
        "uiAmount": float(exact),
        "uiAmountString": text.rstrip("0").rstrip(".") if "." in text else text,
    }


def parsed(account: Account, decimals: int) -> dict[str, Any] | None:
    """Return the `jsonParsed` form of a token account or a mint; None for anything else."""
    program = PROGRAMS.get(account.owner)
    if (held := token_account(account)) is not None:
        info: dict[str, Any] = {
            "isNative": held.native_reserve is not None,
            "mint": str(held.mint),
            "owner": str(held.owner),
            "state": held.state,
            "tokenAmount": ui_amount(held.amount, decimals),
        }
        kind = "account"
    elif (kept := mint(account)) is not None:
        info = {
            "decimals": kept.decimals,
            "freezeAuthority": str(kept.freeze_authority) if kept.freeze_authority else None,
            "isInitialized": True,
            "mintAuthority": str(kept.authority) if kept.authority else None,
            "supply": str(kept.supply),
        }
        kind = "mint"
    else:
        return None
    return {"program": program, "parsed": {"info": info, "type": kind}, "space": len(account.data)}


def _optional(data: bytes) -> Pubkey | None:
    """Read a COption<Pubkey>: a tag of four bytes, then the key."""
    return Pubkey(data[4:36]) if int.from_bytes(data[:4], "little") else None
