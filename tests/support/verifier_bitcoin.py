"""Bitcoin wallets that sign texts: BIP-137 and BIP-322, written from the BIPs a second time so that no test asks the
code what it should say.
"""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from coincurve import PrivateKey, PublicKeyXOnly

from chains import base58
from chains.account import Account
from chains.accounts import account_of
from chains.bitcoin import bech32
from config.registry import Network
from verifier.port import NO_LOOKUP
from verifier.verdict import Verdict
from verifier.verify import verify

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ALICE, BOB, CAROL, MALLORY = (PrivateKey(bytes([byte]) * 32) for byte in (0xA1, 0xB0, 0xCA, 0x66))

OPCODES = {
    "NOP": 0x61, "IF": 0x63, "NOTIF": 0x64, "ELSE": 0x67, "ENDIF": 0x68, "VERIFY": 0x69, "RETURN": 0x6A,
    "TOALTSTACK": 0x6B, "FROMALTSTACK": 0x6C, "2DROP": 0x6D, "IFDUP": 0x73, "DROP": 0x75, "DUP": 0x76, "SWAP": 0x7C,
    "SIZE": 0x82, "EQUAL": 0x87, "EQUALVERIFY": 0x88, "0NOTEQUAL": 0x92, "ADD": 0x93, "BOOLAND": 0x9A, "BOOLOR": 0x9B,
    "NUMEQUAL": 0x9C, "NUMEQUALVERIFY": 0x9D, "RIPEMD160": 0xA6, "SHA256": 0xA8, "HASH160": 0xA9, "HASH256": 0xAA,
    "CODESEPARATOR": 0xAB, "CHECKSIG": 0xAC, "CHECKSIGVERIFY": 0xAD, "CHECKMULTISIG": 0xAE, "CHECKMULTISIGVERIFY": 0xAF,
    "NOP1": 0xB0, "CLTV": 0xB1, "CSV": 0xB2, "CHECKSIGADD": 0xBA,
}  # fmt: skip


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def hash160(data: bytes) -> bytes:
    return hashlib.new("ripemd160", sha256(data)).digest()


def sha256d(data: bytes) -> bytes:
    return sha256(sha256(data))


def tagged(tag: str, data: bytes) -> bytes:
    return sha256(sha256(tag.encode()) * 2 + data)


def var(data: bytes) -> bytes:
    """Return bytes behind their compact size."""
    length = len(data)
    if length < 0xFD:
        return bytes([length]) + data
    return (b"\xfd" + little(length, 2) if length < 1 << 16 else b"\xfe" + little(length)) + data


def little(number: int, length: int = 4) -> bytes:
    return number.to_bytes(length, "little")


def script(*parts: str | bytes | int) -> bytes:
    """Assemble a script: names of opcodes, bytes to push, small numbers; `bytearray` stands as it is."""
    assembled = b""
    for part in parts:
        if isinstance(part, str):
            assembled += bytes([OPCODES[part]])
        elif isinstance(part, bytearray):
            assembled += part
        elif isinstance(part, int):
            assembled += push(bytes([part]) if part else b"")
        elif len(part) < 76:
            assembled += bytes([len(part)]) + part
        else:
            assembled += (b"\x4c" + bytes([len(part)]) if len(part) < 256 else b"\x4d" + little(len(part), 2)) + part
    return assembled


def push(element: bytes) -> bytes:
    """Push an element in the shortest way."""
    if len(element) == 1 and 1 <= element[0] <= 16:
        return bytes([0x50 + element[0]])
    return b"\x4f" if element == b"\x81" else script(element)


def multisig(needed: int, *keys: PrivateKey) -> bytes:
    return script(needed, *(key.public_key.format() for key in keys), len(keys), "CHECKMULTISIG")


# --- addresses ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Net:
    """How one network writes its addresses."""

    network: Network
    prefix: str
    key_hash: int
    script_hash: int


MAINNET = Net(network=Network.MAIN, prefix="bc", key_hash=0x00, script_hash=0x05)
TESTNET = Net(network=Network.TEST, prefix="tb", key_hash=0x6F, script_hash=0xC4)
REGTEST = Net(network=Network.TEST, prefix="bcrt", key_hash=0x6F, script_hash=0xC4)


def _base58check(version: int, payload: bytes) -> str:
    data = bytes([version]) + payload
    return base58.encode(data + sha256d(data)[:4])


def address_of(output: bytes, net: Net = MAINNET) -> str:
    """Return the address of an output script."""
    if output[:3] == b"\x76\xa9\x14":
        return _base58check(net.key_hash, output[3:23])
    if output[:2] == b"\xa9\x14":
        return _base58check(net.script_hash, output[2:22])
    version = output[0] - 0x50 if output[0] else 0
    return bech32.encode(bech32.WitnessProgram(prefix=net.prefix, version=version, program=output[2:]))


def account(output: bytes, net: Net = MAINNET) -> Account:
    """Return the account whose address has this output script."""
    found = account_of(address_of(output, net), network=net.network)
    assert isinstance(found, Account)
    return found


def to_key_hash(key: bytes) -> bytes:
    return script("DUP", "HASH160", hash160(key), "EQUALVERIFY", "CHECKSIG")


def to_script_hash(redeem: bytes) -> bytes:
    return script("HASH160", hash160(redeem), "EQUAL")


def to_witness_key_hash(key: bytes) -> bytes:
    return script(0, hash160(key))


def to_witness_script_hash(witness_script: bytes) -> bytes:
    return script(0, sha256(witness_script))


@dataclass(frozen=True, kw_only=True)
class Taproot:
    """An output whose key commits to one script or none (BIP-341)."""

    key: PrivateKey
    leaf: bytes | None = None
    sibling: bytes | None = None  # the hash of another branch
    version: int = 0xC0

    @property
    def internal(self) -> bytes:
        return self.key.public_key_xonly.format()

    @property
    def leaf_hash(self) -> bytes:
        assert self.leaf is not None
        return tagged("TapLeaf", bytes([self.version]) + var(self.leaf))

    @property
    def tweak(self) -> bytes:
        if self.leaf is None:
            return tagged("TapTweak", self.internal)
        root = self.leaf_hash
        if self.sibling is not None:
            root = tagged("TapBranch", min(root, self.sibling) + max(root, self.sibling))
        return tagged("TapTweak", self.internal + root)

    @property
    def output_key(self) -> PublicKeyXOnly:
        tweaked = PublicKeyXOnly(self.internal)
        tweaked.tweak_add(self.tweak)
        return tweaked

    @property
    def output(self) -> bytes:
        return script(1, self.output_key.format())

    @property
    def control(self) -> bytes:
        return bytes([self.version | self.output_key.parity]) + self.internal + (self.sibling or b"")

    @property
    def secret(self) -> PrivateKey:
        """Return the key that signs for the output itself."""
        secret = int.from_bytes(self.key.secret)
        if self.key.public_key.format()[0] == 3:
            secret = ORDER - secret
        return PrivateKey(((secret + int.from_bytes(self.tweak)) % ORDER).to_bytes(32))


# --- BIP-137 --------------------------------------------------------------------------------------------------------


def message_digest(message: str) -> bytes:
    return sha256d(b"\x18Bitcoin Signed Message:\n" + var(message.encode()))


def bip137(key: PrivateKey, message: str, first_header: int) -> bytes:
    """Return the 65 bytes; `first_header` is 27, 31, 35 or 39, to which the recovery id is added."""
    signature = key.sign_recoverable(message_digest(message), hasher=None)
    return bytes([first_header + signature[64]]) + signature[:64]


# --- BIP-322 --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ToSign:
    """The transaction that is signed, field by field, also as it should not be."""

    output: bytes  # the script that is spent
    message: str = "hello"
    version: int = 0
    lock_time: int = 0
    sequence: int = 0
    index: int = 0
    script_sig: bytes = b""
    witness: tuple[bytes, ...] = ()
    outputs: bytes = b"\x01" + bytes(8) + b"\x01\x6a"
    more_inputs: bytes = b""

    @property
    def to_spend(self) -> bytes:
        hashed = tagged("BIP0322-signed-message", self.message.encode())
        spends = bytes(32) + b"\xff" * 4 + var(script(0, hashed)) + bytes(4)
        return bytes(4) + b"\x01" + spends + b"\x01" + bytes(8) + var(self.output) + bytes(4)

    @property
    def outpoint(self) -> bytes:
        return sha256d(self.to_spend) + little(self.index)

    def serialised(self, script_sig: bytes, *, witness: bool = False) -> bytes:
        inputs = bytes([1 + bool(self.more_inputs)]) + self.outpoint + var(script_sig) + little(self.sequence)
        stack = self.stack + bytes(bool(self.more_inputs)) if witness else b""
        flag = b"\x00\x01" if witness else b""
        return little(self.version) + flag + inputs + self.more_inputs + self.outputs + stack + little(self.lock_time)

    @property
    def txid(self) -> str:
        return sha256d(self.serialised(self.script_sig))[::-1].hex()

    @property
    def stack(self) -> bytes:
        count = var(bytes(len(self.witness)))[: -len(self.witness) or None]
        return count + b"".join(map(var, self.witness))

    def legacy(self, code: bytes, kind: int = 1) -> bytes:
        return sha256d(self.serialised(code) + little(kind))

    def segwit(self, code: bytes, kind: int = 1) -> bytes:
        """BIP-143."""
        return sha256d(
            little(self.version)
            + sha256d(self.outpoint)
            + sha256d(little(self.sequence))
            + self.outpoint
            + var(code)
            + bytes(8)
            + little(self.sequence)
            + sha256d(self.outputs[1:])
            + little(self.lock_time)
            + little(kind)
        )

    def taproot(self, kind: int = 0, leaf_hash: bytes | None = None) -> bytes:
        """BIP-341 and BIP-342."""
        return tagged(
            "TapSighash",
            bytes([0, kind])
            + little(self.version)
            + little(self.lock_time)
            + sha256(self.outpoint)
            + sha256(bytes(8))
            + sha256(var(self.output))
            + sha256(little(self.sequence))
            + sha256(self.outputs[1:])
            + bytes([0 if leaf_hash is None else 2])
            + bytes(4)
            + (b"" if leaf_hash is None else leaf_hash + b"\x00" + b"\xff" * 4),
        )

    @property
    def simple(self) -> str:
        """Return the simple form without a prefix."""
        return b64encode(self.stack).decode()

    @property
    def full(self) -> str:
        """Return the full form without a prefix."""
        return b64encode(self.serialised(self.script_sig, witness=bool(self.witness))).decode()


def ecdsa(key: PrivateKey, digest: bytes, kind: int = 1) -> bytes:
    return key.sign(digest, hasher=None) + bytes([kind])


def schnorr(key: PrivateKey, digest: bytes, kind: int = 0) -> bytes:
    return key.sign_schnorr(digest) + (bytes([kind]) if kind else b"")


def nested(program: bytes) -> bytes:
    """Return the input script that shows a witness program behind P2SH."""
    return script(program)


@dataclass(frozen=True, kw_only=True)
class Wallet:
    """One address and how it satisfies `to_sign`."""

    output: bytes
    sign: Callable[[ToSign], ToSign]
    has_simple_form: bool = True

    def signed(self, message: str = "hello", **fields: int) -> ToSign:
        return self.sign(ToSign(output=self.output, message=message, **fields))


def p2pkh(key: PrivateKey = ALICE, *, compressed: bool = True) -> Wallet:
    public = key.public_key.format(compressed=compressed)
    output = to_key_hash(public)
    return Wallet(
        output=output,
        sign=lambda tx: replace(tx, script_sig=script(ecdsa(key, tx.legacy(output)), public)),
        has_simple_form=False,
    )


def p2wpkh(key: PrivateKey = ALICE) -> Wallet:
    public = key.public_key.format()
    code = to_key_hash(public)
    return Wallet(
        output=to_witness_key_hash(public),
        sign=lambda tx: replace(tx, witness=(ecdsa(key, tx.segwit(code)), public)),
    )


def behind_script_hash(wallet: Wallet) -> Wallet:
    """Return the same wallet behind P2SH."""
    return Wallet(
        output=to_script_hash(wallet.output),
        sign=lambda tx: replace(wallet.sign(tx), script_sig=script(wallet.output)),
    )


def p2wsh(witness_script: bytes, given: Callable[[Callable[[PrivateKey], bytes]], Sequence[bytes]]) -> Wallet:
    """Return the wallet of a witness script; `given` makes what goes before it from a function that signs."""
    return Wallet(
        output=to_witness_script_hash(witness_script),
        sign=lambda tx: replace(
            tx, witness=(*given(lambda key: ecdsa(key, tx.segwit(witness_script))), witness_script)
        ),
    )


def p2wsh_multisig(needed: int, *keys: PrivateKey, signers: Sequence[PrivateKey] | None = None) -> Wallet:
    signing = keys[:needed] if signers is None else signers
    return p2wsh(multisig(needed, *keys), lambda sign: [b"", *map(sign, signing)])


def p2sh_multisig(needed: int, *keys: PrivateKey) -> Wallet:
    redeem = multisig(needed, *keys)
    return Wallet(
        output=to_script_hash(redeem),
        sign=lambda tx: replace(
            tx, script_sig=script(0, *(ecdsa(key, tx.legacy(redeem)) for key in keys[:needed]), redeem)
        ),
        has_simple_form=False,
    )


def p2tr(key: PrivateKey = ALICE, *, kind: int = 0, leaf: bytes | None = None) -> Wallet:
    tree = Taproot(key=key, leaf=leaf)
    return Wallet(
        output=tree.output,
        sign=lambda tx: replace(tx, witness=(schnorr(tree.secret, tx.taproot(kind), kind),)),
    )


def tapscript(tree: Taproot, given: Callable[[Callable[[PrivateKey], bytes]], Sequence[bytes]]) -> Wallet:
    """Return the wallet of a script in a taproot output."""
    assert tree.leaf is not None
    return Wallet(
        output=tree.output,
        sign=lambda tx: replace(
            tx,
            witness=(
                *given(lambda key: schnorr(key, tx.taproot(0, tree.leaf_hash))),
                tree.leaf,
                tree.control,
            ),
        ),
    )


def verdict(of: Account, message: str, signature: str, now: datetime = NOW) -> Verdict:
    """Return what the front door says."""
    return asyncio.run(verify(of, message, signature, lookup=NO_LOOKUP, now=now))
