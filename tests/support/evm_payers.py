"""Ways in which native coins arrive without a transaction that names the payee: contracts, a Safe, a bequest."""

from eth_abi import encode

from tests.support.anvil import MNEMONIC_KEYS, Anvil
from tests.support.chains_contracts import bytecode
from tests.support.verifier_wallets import ZERO, Key, Safes, call_data

OWNER = Key(bytes.fromhex(MNEMONIC_KEYS[0][2:]))
"""Of the Safe; the node's first account."""


def spread(node: Anvil, spreader: str, value: int, *to: str) -> str:
    """Let a Spreader hand `value` on in equal parts."""
    return node.send(to=spreader, value=value, data=call_data("spread(address[])", list(to)))


def bequeath(node: Anvil, value: int, heir: str) -> str:
    """Let a contract destroy itself in favour of `heir`."""
    return node.send(to=None, value=value, data=bytecode("Bequest") + encode(["address"], [heir]).hex())


def pay_out(node: Anvil, purse: str, to: str, value: int) -> str:
    """Let a Purse pay."""
    return node.send(to=purse, data=call_data("pay(address,uint256)", to, value))


def funded_safe(node: Anvil, value: int) -> str:
    """Return a Safe of OWNER with something in it."""
    safe = Safes.on(node).create(OWNER)
    node.send(to=safe, value=value)
    node.mine()
    return safe


def pay_from_safe(node: Anvil, safe: str, to: str, value: int) -> str:
    """Let the Safe pay; its owner approves by sending the transaction himself (v = 1)."""
    approved = OWNER.raw.rjust(32, b"\0") + bytes(32) + b"\x01"
    signature = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
    return node.send(
        to=safe, data=call_data(signature, to, value, b"", 0, 0, 0, 0, ZERO, ZERO, approved), sender=OWNER.address
    )
