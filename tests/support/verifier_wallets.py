"""Keys, and the contract wallets of verifier_wallets.sol and of the Safe project, on a real node."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from coincurve import PrivateKey
from eth_abi import encode

from chains.account import Account
from chains.accounts import parse_caip10
from chains.evm import address as evm
from config.keccak import keccak256
from config.registry import Network
from tests.support.anvil import Anvil
from tests.support.verifier_solidity import compile_solidity, safe_artifact

SOURCE = Path(__file__).with_name("verifier_wallets.sol").read_text()
SETTINGS = {"evmVersion": "paris", "optimizer": {"enabled": True, "runs": 1}}
ZERO = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class Key:
    """A wallet's key."""

    secret: bytes

    @property
    def raw(self) -> bytes:
        return keccak256(PrivateKey(self.secret).public_key.format(compressed=False)[1:])[12:]

    @property
    def address(self) -> str:
        return evm.display(self.raw)

    def sign(self, digest: bytes) -> bytes:
        """Return r, s and a `v` of 27 or 28."""
        signature = PrivateKey(self.secret).sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes([signature[64] + 27])


ALICE, MALLORY = Key(b"\xa1" * 32), Key(b"\x66" * 32)


def evm_account(address: str, chain: int = 1) -> Account:
    """Return the account at this address."""
    account = parse_caip10(f"eip155:{chain}:{address}", Network.MAIN)
    assert isinstance(account, Account)
    return account


def personal_digest(message: str) -> bytes:
    """Return EIP-191's digest, written a second time so that tests do not ask the code what it should say."""
    data = message.encode()
    return keccak256(b"\x19Ethereum Signed Message:\n" + str(len(data)).encode() + data)


@cache
def _compiled() -> dict[str, str]:
    return compile_solidity(SOURCE, SETTINGS)


def creation_code(name: str) -> str:
    """Return the creation code of one of our test wallets, as hex."""
    return _compiled()[name]


def call_data(signature: str, *arguments: Any) -> str:
    """Return the calldata of a function given as `name(type,…)`."""
    types = [kind for kind in signature.partition("(")[2][:-1].split(",") if kind]
    return "0x" + (keccak256(signature.encode())[:4] + encode(types, arguments)).hex()


def transact(node: Anvil, to: str | None, data: str, **extra: Any) -> dict[str, Any]:
    """Mine one transaction that must succeed, and return its receipt."""
    txid = node.send(to=to, data=data, **{"gas": hex(12_000_000), **extra})
    node.mine()
    receipt: dict[str, Any] = node.rpc("eth_getTransactionReceipt", txid)
    assert receipt["status"] == "0x1"
    return receipt


def deploy(node: Anvil, code: str, **extra: Any) -> str:
    """Deploy creation code (hex without 0x) and return the address."""
    address: str = transact(node, None, "0x" + code.removeprefix("0x"), **extra)["contractAddress"]
    return address


def wallet(node: Anvil, name: str, *owners: Key) -> str:
    """Deploy one of our test wallets."""
    return deploy(node, creation_code(name) + encode(["address"] * len(owners), [o.address for o in owners]).hex())


def wrapped(factory: str, deployment: str, signature: bytes) -> bytes:
    """Wrap a signature as ERC-6492 says, by another ABI encoder than ours."""
    arguments = (factory, bytes.fromhex(deployment.removeprefix("0x")), signature)
    return encode(["address", "bytes", "bytes"], arguments) + bytes.fromhex("6492" * 16)


@dataclass(frozen=True, slots=True)
class Safes:
    """The Safe contracts on one chain."""

    node: Anvil
    singleton: str
    handler: str
    factory: str

    @classmethod
    def on(cls, node: Anvil) -> "Safes":
        built = [
            deploy(node, safe_artifact(path)["bytecode"])
            for path in ("Safe", "handler/CompatibilityFallbackHandler", "proxies/SafeProxyFactory")
        ]
        return cls(node, *built)

    def deployment(self, *owners: Key, salt: int = 1) -> str:
        """Return the factory's calldata for a Safe that all these owners must sign for."""
        setup = call_data(
            "setup(address[],uint256,address,bytes,address,address,uint256,address)",
            *([owner.address for owner in owners], len(owners), ZERO, b"", self.handler, ZERO, 0, ZERO),
        )
        setup_bytes = bytes.fromhex(setup[2:])
        return call_data("createProxyWithNonce(address,bytes,uint256)", self.singleton, setup_bytes, salt)

    def address(self, *owners: Key, salt: int = 1) -> str:
        """Return where the factory puts that Safe."""
        call = {"to": self.factory, "data": self.deployment(*owners, salt=salt)}
        answer: str = self.node.rpc("eth_call", call, "latest")
        return "0x" + answer[-40:]

    def create(self, *owners: Key, salt: int = 1) -> str:
        """Deploy the Safe and return its address."""
        address = self.address(*owners, salt=salt)
        transact(self.node, self.factory, self.deployment(*owners, salt=salt))
        return address

    def sign(self, safe: str, digest: bytes, *owners: Key) -> bytes:
        """Return the owners' signatures of a message of this Safe (EIP-712 `SafeMessage`), in order of address."""
        domain = keccak256(
            keccak256(b"EIP712Domain(uint256 chainId,address verifyingContract)")
            + encode(["uint256", "address"], [self.node.chain_id, safe])
        )
        message = keccak256(keccak256(b"SafeMessage(bytes message)") + keccak256(encode(["bytes32"], [digest])))
        hashed = keccak256(b"\x19\x01" + domain + message)
        return b"".join(owner.sign(hashed) for owner in sorted(owners, key=lambda owner: owner.raw))
