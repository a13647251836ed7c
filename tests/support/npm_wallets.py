"""Wallets that nobody here wrote, npm's libraries and monero-wallet-rpc: how they sign, and how signatures are bent."""

import base64
import contextlib
import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from chains import base58
from chains.monero import base58 as monero_base58
from tests.support.monerod import WalletRpc
from tests.support.programs import NODE_MODULES, ROOT, MissingProgramError, program
from tests.support.verifier_signers import BENDS

MODULES = Path(os.environ.get("USHER_WALLET_MODULES", NODE_MODULES.parent / "wallets" / "node_modules"))
SCRIPTS = ROOT / "tests" / "nodes"

Challenge = Mapping[str, Any]
"""What is to be signed: `text`, and `typed_data` where it is to be had."""
Signature = Any
"""As the wallet hands it to a page and the page puts it into JSON."""


class ScriptError(Exception):
    """A library refused what it was asked."""


@dataclass(frozen=True, slots=True)
class Scripts:
    """A node process that answers with the modules of one of our folders."""

    process: subprocess.Popen[str]

    def ask(self, module: str, *call: str, given: tuple[Any, ...]) -> Any:
        """Call a member of a module, and return what it returns."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"module": module, "call": call, "arguments": given}) + "\n")
        self.process.stdin.flush()
        said = json.loads(self.process.stdout.readline(), parse_float=Decimal)
        if "error" in said:
            raise ScriptError(f"{module} {' '.join(call)}: {said['error']}")
        return said["result"]


@contextlib.contextmanager
def scripts(folder: str) -> Iterator[Scripts]:
    """Run node over the modules of `tests/nodes/<folder>`. Raises MissingProgramError where npm's are not installed."""
    if not MODULES.is_dir():
        raise MissingProgramError(f"{MODULES}: run `make nodes`, or name the folder in USHER_WALLET_MODULES")
    command = [program("node", variable="NODE"), "--no-deprecation"]
    process = subprocess.Popen(
        [*command, str(SCRIPTS / "wallets" / "serve.js"), str(SCRIPTS / folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # libraries that miss a native part say so, and do without
        text=True,
        env={"NODE_PATH": str(MODULES)},
    )
    with process:
        yield Scripts(process)
        assert process.stdin is not None
        process.stdin.close()  # nothing more is asked: it ends


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """How a signature's bytes are written."""

    read: Callable[[Any], bytes]
    write: Callable[[bytes], Signature]
    has_case: bool = True  # whether other case is another text


HEX = Form(read=bytes.fromhex, write=bytes.hex, has_case=False)
HEX_0X = Form(read=lambda text: bytes.fromhex(text[2:]), write=lambda raw: f"0x{raw.hex()}", has_case=False)
BASE64 = Form(read=base64.b64decode, write=lambda raw: base64.b64encode(raw).decode())
BASE58 = Form(read=lambda text: base58.decode(text) or b"", write=base58.encode)
INTEGERS = Form(read=bytes, write=list, has_case=False)
BY_INDEX = Form(
    read=lambda given: bytes(given.values()),
    write=lambda raw: {str(index): byte for index, byte in enumerate(raw)},
    has_case=False,
)
MONERO = Form(
    read=lambda text: monero_base58.decode(text[5:]) or b"", write=lambda raw: f"SigV2{monero_base58.encode(raw)}"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One way in which one library signs."""

    library: str
    kind: str
    form: Form
    any_text: bool = True  # whether it signs other texts than sign-ins


def _kinds(library: str, form: Form, *kinds: str, any_text: bool = True) -> Iterator[tuple[str, Kind]]:
    for kind in kinds:
        yield f"{library}: {kind}", Kind(library=library, kind=kind, form=form, any_text=any_text)


KINDS: Mapping[str, Mapping[str, Kind]] = {
    "evm": dict(
        [
            *_kinds("ethers", HEX_0X, "personal_sign"),
            *_kinds("ethers", HEX_0X, "typed data", any_text=False),
            *_kinds("viem", HEX_0X, "personal_sign"),
            *_kinds("viem", HEX_0X, "typed data", any_text=False),
        ]
    ),
    "bitcoin": dict(
        [
            *_kinds("bitcoinjs-message", BASE64, "P2PKH", "P2PKH of the long key", "P2SH-P2WPKH", "P2WPKH"),
            *_kinds("bitcoinjs-message", BASE64, "P2WPKH under the oldest header"),
            *_kinds("bip322-js", BASE64, "P2WPKH", "P2SH-P2WPKH", "P2TR"),
        ]
    ),
    "solana": dict(
        [
            *_kinds("tweetnacl", BASE58, "base58"),
            *_kinds("tweetnacl", BASE64, "base64"),
            *_kinds("tweetnacl", INTEGERS, "integers"),
            *_kinds("tweetnacl", BY_INDEX, "integers by index"),
            *_kinds("solana-web3", BASE64, "a memo in a transaction", "a memo in a versioned transaction"),
            *_kinds("solana-kit", BASE58, "off-chain message", "off-chain message beyond a device"),
            *_kinds("solana-kit", BASE58, "off-chain message of version 1"),
            *_kinds("wallet-standard", BASE58, "signIn", any_text=False),
        ]
    ),
    "hive": dict(
        [
            *_kinds("dhive", HEX, "posting", "active"),
            *_kinds("hive-js", HEX, "posting", "active"),
        ]
    ),
}
"""By family and name: every wallet from npm that signs here."""
ALL = {name: kind for kinds in KINDS.values() for name, kind in kinds.items()}


@dataclass(frozen=True, kw_only=True)
class NpmWallet:
    """A wallet of one of these libraries."""

    scripts: Scripts
    kind: Kind
    secret: Any  # what its module takes for one

    @cached_property
    def address(self) -> str:
        told: str = self.scripts.ask(self.kind.library, self.kind.kind, "address", given=(self.secret,))
        return told

    def sign(self, challenge: Challenge) -> Signature:
        """Sign as the library has it."""
        return self.scripts.ask(self.kind.library, self.kind.kind, "sign", given=(self.secret, challenge))

    @property
    def form(self) -> Form:
        return self.kind.form

    @property
    def powerless(self) -> Mapping[str, "NpmWallet"]:
        """Further keys of the same account, which open no door: Hive has two."""
        if not isinstance(self.secret, dict):
            return {}
        return {
            f"by the {role} key": replace(self, kind=replace(self.kind, library="dhive", kind=role))
            for role in ("owner", "memo")
        }

    @property
    def stranger(self) -> "NpmWallet":
        """A wallet of the same kind that is somebody else's; on Hive by the same name, for a name is no key."""
        secret = self.secret
        other = {**secret, "password": "a guess"} if isinstance(secret, dict) else _secret(f"not {secret}")
        return replace(self, secret=other)


def npm_wallet(scripts: Scripts, name: str) -> NpmWallet:
    """Return the wallet of this name, with keys of its own."""
    kind = ALL[name]
    hive = {"name": f"{kind.library}-{kind.kind}", "password": "a master password"}
    return NpmWallet(scripts=scripts, kind=kind, secret=hive if name in KINDS["hive"] else _secret(name))


def _secret(seed: str) -> str:
    return hashlib.sha256(seed.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class MoneroWallet:
    """An address of the wallet that a monero-wallet-rpc has open."""

    rpc: WalletRpc
    index: int = 0  # 0: the primary address
    by: str = "spend"  # or "view"
    form: Form = MONERO

    @cached_property
    def address(self) -> str:
        [told] = self.rpc.rpc("get_address", account_index=0, address_index=[self.index])["addresses"]
        address: str = told["address"]
        return address

    def sign(self, challenge: Challenge) -> Signature:
        """Sign as the program has it."""
        return self.rpc.rpc(
            "sign", data=challenge["text"], account_index=0, address_index=self.index, signature_type=self.by
        )["signature"]

    @property
    def powerless(self) -> Mapping[str, "MoneroWallet"]:
        """The other key of the same address, which whoever watches the wallet has, too."""
        return {"by the view key": replace(self, by="view")}

    @property
    def stranger(self) -> "MoneroWallet":
        """Another address of the wallet: it has a spend key of its own."""
        return replace(self, index=self.index + 1)


Wallet = NpmWallet | MoneroWallet


def bent(wallet: Wallet, challenge: Challenge, *, another: Challenge) -> Iterator[tuple[str, Signature]]:
    """Bend what the wallet signs, in every way: ten of the bytes, then of their spelling, then true ones for others."""
    true, form = wallet.sign(challenge), wallet.form
    raw = form.read(true)
    assert form.write(raw) == true, "or what is bent below were not this signature"
    for name, bend in BENDS.items():
        yield name, form.write(bend(raw))
    if form.has_case:
        yield "in the other case", true.swapcase()
    yield "in another encoding", base64.b32encode(raw).decode()
    yield "of another text", wallet.sign(another)
    yield "of another wallet", wallet.stranger.sign(challenge)
    for name, other in wallet.powerless.items():
        yield name, other.sign(challenge)
