"""Proof by a transaction that says the text as a memo, signed but never sent: for wallets that sign nothing else. Pure.

Whoever sees such a transaction can send it. It moves nothing: memos are all it holds, beside what it may cost at most.
The account pays a fee if it named itself the payer, and only while the block hash in it is recent; a page that writes
the zero hash there gets a transaction that no validator ever takes.
"""

from solders.message import Message, MessageV0, MessageV1, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from chains.solana.programs import MEMOS
from verifier.solana import ed25519

LARGEST = 1232
"""Bytes of a serialized transaction (the network's PACKET_DATA_SIZE)."""
_MEMO = frozenset(map(Pubkey.from_string, MEMOS))
_BUDGET = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
"""Wallets add what it may cost of their own accord."""


def objection(raw: bytes, text: bytes, key: bytes) -> str | None:
    """Return why these bytes are no transaction by which this key says the text; None if they are one.

    Legacy and version 0, to the byte. No look-up tables: what they would add stands on chain, and is not signed here.
    """
    transaction = _read(raw)
    if transaction is None:
        return "the signature is neither 64 bytes nor a transaction"
    return _says_more(transaction.message, text) or _not_signed(transaction, key)


def _says_more(message: Message | MessageV0 | MessageV1, text: bytes) -> str | None:
    """Return what else a transaction does than say this text once."""
    if isinstance(message, MessageV1):
        return "the transaction is of a version that is not read here"
    if isinstance(message, MessageV0) and message.address_table_lookups:
        return "the transaction looks up addresses elsewhere"
    keys, said = message.account_keys, []
    for call in message.instructions:
        if call.program_id_index >= len(keys):
            return "the transaction calls programs that it does not name"
        program = keys[call.program_id_index]
        if program in _MEMO:
            said.append(bytes(call.data))
        elif program != _BUDGET:
            return "the transaction does more than say a memo"
    return None if said == [text] else "the transaction's one memo is not the text"


def _not_signed(transaction: VersionedTransaction, key: bytes) -> str | None:
    """Return why a transaction is none that this key signed."""
    message, wallet = transaction.message, Pubkey(key)
    signers = message.account_keys[: message.header.num_required_signatures]
    if len(transaction.signatures) != len(signers) or wallet not in signers:
        return "the account does not sign the transaction"
    signature = transaction.signatures[signers.index(wallet)]
    if not ed25519.holds(key, to_bytes_versioned(message), bytes(signature)):
        return "the account's signature of the transaction is bad"
    return None


def _read(raw: bytes) -> VersionedTransaction | None:
    if len(raw) > LARGEST:
        return None
    try:
        transaction = VersionedTransaction.from_bytes(raw)
    except ValueError:
        return None
    return transaction if bytes(transaction) == raw else None  # or it was read in part, or written in another way
