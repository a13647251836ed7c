"""How a buyer is asked to pay: the link for a wallet, its QR code, and the transaction that carries the memo. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from types import MappingProxyType
from typing import Any

import segno

from chains.bitcoin import uri as bitcoin_uri
from chains.evm import transaction as evm_transaction
from chains.evm import uri as evm_uri
from chains.hive import uri as hive_uri
from chains.monero import uri as monero_uri
from chains.solana import uri as solana_uri
from config.registry import Asset, Chain, Family

QR_SCALE = 8
QR_REMEMBERED = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """What is to be paid, in which asset, and where to."""

    chain: Chain
    asset: Asset
    amount: int  # smallest unit
    address: str
    memo: str
    own_address: bool  # nobody else pays there
    reference: str | None = None  # Solana Pay


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentLink:
    """A bill as wallets understand it."""

    uri: str  # carries the memo only where the family's links can
    identifies: bool  # whether whoever pays by the link alone is told from everybody else
    transaction: Mapping[str, Any] | None = None  # ready for a browser's wallet, memo included


def payment_link(bill: Bill) -> PaymentLink:
    """Return a bill as the chain's wallets understand it."""
    return _LINKS[bill.chain.family](bill)


@lru_cache(QR_REMEMBERED)
def qr_svg(text: str) -> bytes:
    """Return a QR code as an SVG document. Takes about 20 ms: call it off the event loop."""
    drawn = BytesIO()
    segno.make(text, error="m").save(drawn, kind="svg", scale=QR_SCALE, light="white")
    return drawn.getvalue()


def _evm(bill: Bill) -> PaymentLink:
    number = int(bill.chain.id.partition(":")[2])
    if bill.asset.contract is None:
        return PaymentLink(
            uri=evm_uri.native_uri(bill.address, number, bill.amount),
            identifies=bill.own_address,
            transaction=evm_transaction.native_transaction(
                address=bill.address, chain_id=number, wei=bill.amount, memo=bill.memo
            ),
        )
    return PaymentLink(
        uri=evm_uri.token_uri(bill.asset.contract, number, bill.address, bill.amount),
        identifies=bill.own_address,
        transaction=evm_transaction.token_transaction(
            contract=bill.asset.contract,
            chain_id=number,
            recipient=bill.address,
            units=bill.amount,
            memo=bill.memo,
        ),
    )


def _bitcoin(bill: Bill) -> PaymentLink:
    scheme = bill.chain.prefixes.link if bill.chain.prefixes else bitcoin_uri.SCHEME
    uri = bitcoin_uri.payment_uri(bill.address, bill.amount, scheme=scheme)
    return PaymentLink(uri=uri, identifies=bill.own_address)


def _solana(bill: Bill) -> PaymentLink:
    uri = solana_uri.transfer_uri(
        bill.address,
        bill.amount,
        bill.asset.decimals,
        token=bill.asset.contract,
        references=() if bill.reference is None else (bill.reference,),
        memo=bill.memo,
    )
    return PaymentLink(uri=uri, identifies=True)


def _hive(bill: Bill) -> PaymentLink:
    uri = hive_uri.transfer_uri(bill.address, bill.asset.contract, bill.amount, bill.memo)
    return PaymentLink(uri=uri, identifies=True)


def _monero(bill: Bill) -> PaymentLink:
    return PaymentLink(uri=monero_uri.payment_uri(bill.address, bill.amount), identifies=bill.own_address)


_LINKS: Mapping[Family, Callable[[Bill], PaymentLink]] = MappingProxyType(
    {
        Family.EVM: _evm,
        Family.BITCOIN: _bitcoin,
        Family.SOLANA: _solana,
        Family.HIVE: _hive,
        Family.MONERO: _monero,
    }
)
