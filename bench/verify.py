"""EIP-191 per second against bare libsecp256k1, eth-account and siwe, all on the same message, key and core."""

import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from coincurve import PrivateKey, PublicKey
from eth_account import Account as EthAccount
from eth_account.messages import encode_defunct

from bench.report import Result, against, report
from chains.accounts import account_of
from chains.evm import address as evm
from chains.keccak import keccak256
from config.registry import Network
from verifier import eip191, siwe
from verifier.layout import SignIn
from verifier.port import NO_LOOKUP
from verifier.verdict import Valid
from verifier.verify import verify

SLICES, SLICE = 40, 0.05
"""Contestants take turns of this many CPU seconds each, so that a busy neighbour or a warm core favours none."""
KEY = PrivateKey(b"\x07" * 32)
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SIWE_PEER = (
    "siwe==4.4.0",
    "abnf==2.8.3",
    "coincurve",
)  # a newer abnf refuses every text; the same curve as ours
SIWE_SCRIPT = """
import json, sys, time
from siwe import SiweMessage
text, signature = json.load(sys.stdin)
def once():
    SiweMessage.from_message(text).verify(signature)
once()
count, start = 0, time.process_time()
while time.process_time() - start < 2:
    once()
    count += 1
print(count / (time.process_time() - start))
"""


def rates(*contestants: Callable[[], object]) -> list[float]:
    """Return how often per CPU second each contestant runs."""
    counts, spent = [0] * len(contestants), [0.0] * len(contestants)
    for _ in range(SLICES):
        for place, contestant in enumerate(contestants):
            start = time.process_time()
            while (took := time.process_time() - start) < SLICE:
                for _ in range(16):
                    contestant()
                counts[place] += 16
            spent[place] += took
    return [count / seconds for count, seconds in zip(counts, spent, strict=True)]


def finished(verdict):
    """Run a verification that asks no node: it never waits, so no event loop is needed."""
    try:
        verdict.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the verification waited for something")


def siwe_rate(text: str, signature: str) -> float | None:
    """Measure the siwe of PyPI in a virtual environment of its own, for it wants other versions; None without it."""
    with tempfile.TemporaryDirectory(prefix="usher-bench-") as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        installed = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", *SIWE_PEER], capture_output=True, check=False
        )
        if installed.returncode:
            return None
        done = subprocess.run(
            [python, "-c", SIWE_SCRIPT],
            input=json.dumps([text, signature]),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            print(done.stderr[-500:], file=sys.stderr)
            return None
        return float(done.stdout)


def main() -> None:
    """Measure and report."""
    address = evm.display(keccak256(KEY.public_key.format(compressed=False)[1:])[12:])
    account = account_of(address, network=Network.MAIN)
    text = siwe.write(
        SignIn(
            domain="tickets.example",
            address=address,
            statement="Enter the event Neon Night. This signature opens the door once and moves no money.",
            uri="https://tickets.example/event/17",
            chain_id="1",
            nonce="a1b2c3d4e5f60718a1b2c3d4e5f60718",
            issued_at="2026-11-20T12:00:00Z",
            resources=("urn:usher:purpose:join", "urn:usher:event:17"),
        )
    )
    message = "Access event 42 at 1795176000000"

    def signed(of: str) -> bytes:
        signature = KEY.sign_recoverable(eip191.digest(of), hasher=None)
        return signature[:64] + bytes([signature[64] + 27])

    plain, sign_in = signed(message), signed(text)
    compact, digest = plain[:64] + bytes([plain[64] - 27]), eip191.digest(message)

    def whole(of: str, signature: str):
        return finished(verify(account, of, signature, lookup=NO_LOOKUP, now=NOW))

    assert isinstance(whole(message, plain.hex()), Valid)
    assert isinstance(whole(text, sign_in.hex()), Valid)
    bare, ours, front, full, theirs = rates(
        lambda: PublicKey.from_signature_and_message(compact, digest, hasher=None),
        lambda: eip191.verify(account, message, plain),
        lambda: whole(message, plain.hex()),
        lambda: whole(text, sign_in.hex()),
        lambda: EthAccount.recover_message(encode_defunct(text=message), signature=plain),
    )
    unit, library = "verifications/s", "bare libsecp256k1 recover"
    results: list[Result] = [
        against("EIP-191", ours, unit, peer=library, peer_value=bare, aim=">= 0.6"),
        against("EIP-191 from hex to verdict", front, unit, peer=library, peer_value=bare, aim=">= 0.6"),
        against("EIP-191 from hex to verdict", front, unit, peer="eth-account", peer_value=theirs, aim=">= 1"),
        against("EIP-4361 parsed and verified", full, unit, peer=library, peer_value=bare),
    ]
    peer = siwe_rate(text, "0x" + sign_in.hex())
    if peer is None:
        print("siwe left out: it could not be installed apart", file=sys.stderr)
    else:
        results.append(against("EIP-4361 parsed and verified", full, unit, peer="siwe", peer_value=peer, aim=">= 1"))
    report(results)


if __name__ == "__main__":
    main()
