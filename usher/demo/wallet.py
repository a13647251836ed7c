"""A buyer's wallet: one key that signs transactions and texts. It knows the chain only by what it is given."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from coincurve import PrivateKey
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from chains import base58
from usher.demo.stage import Node

GAS = 200_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Wallet:
    """A person's key."""

    name: str
    account: LocalAccount

    @classmethod
    def fresh(cls, name: str) -> "Wallet":
        """Make a wallet with a new key."""
        return cls(name=name, account=Account.create())

    @property
    def address(self) -> str:
        """The wallet's EIP-55 address."""
        return str(self.account.address)

    def sign(self, text: str) -> str:
        """Sign a text as wallets do (EIP-191, personal_sign)."""
        return "0x" + bytes(self.account.sign_message(encode_defunct(text=text)).signature).hex()

    async def raw_transaction(
        self, node: Node, *, to: str, value: int, data: str = "0x", nonce: int | None = None
    ) -> str:
        """Sign a transaction for the node's chain and return its bytes in hex."""
        if nonce is None:
            nonce = int(await node.call("eth_getTransactionCount", self.address, "pending"), 16)
        price = int(await node.call("eth_gasPrice"), 16)
        fields: dict[str, Any] = {
            "chainId": int(await node.call("eth_chainId"), 16),
            "nonce": nonce,
            "to": to,
            "value": value,
            "data": data,
            "gas": GAS,
            "maxFeePerGas": price * 2,
            "maxPriorityFeePerGas": price,
        }
        return "0x" + bytes(self.account.sign_transaction(fields).raw_transaction).hex()

    async def send(self, node: Node, *, to: str, value: int, data: str = "0x", nonce: int | None = None) -> str:
        """Send a transaction and return its id."""
        raw = await self.raw_transaction(node, to=to, value=value, data=data, nonce=nonce)
        txid: str = await node.call("eth_sendRawTransaction", raw)
        return txid


def fresh_xpub() -> str:
    """Make a new wallet's account key and return its public half, as hardware wallets show it."""
    version, depth, index = bytes.fromhex("0488b21e"), b"\x03", (2**31).to_bytes(4, "big")  # BIP-32: m/44'/60'/0'
    point = PrivateKey().public_key.format(compressed=True)
    payload = version + depth + secrets.token_bytes(4) + index + secrets.token_bytes(32) + point
    checksum = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    return base58.encode(payload + checksum)
