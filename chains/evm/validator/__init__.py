"""The question whether a wallet accepts a signature, as one call to a node, and what its answer means. Pure.

SignatureValidator.sol is the creation code of that call; SignatureValidator.json is the same, compiled.
"""

import json
from collections.abc import Mapping
from enum import IntEnum
from importlib.resources import files

from chains.account import Account
from verifier.evm import erc6492
from verifier.verdict import Inconclusive, Invalid, Valid, Verdict

CREATION_CODE = bytes.fromhex(
    json.loads(files(__package__).joinpath("SignatureValidator.json").read_text())["bytecode"]
)
_WORD = 32
_NOBODY = bytes(20)


class Finding(IntEnum):
    """What the validator found; the order is SignatureValidator.sol's."""

    REFUSED = 0
    ACCEPTED = 1
    ACCEPTED_UNDEPLOYED = 2
    NO_CONTRACT = 3
    NOT_DEPLOYED = 4
    OUT_OF_GAS = 5
    ASKED_ELSEWHERE = 6
    OTHER_CHAIN = 7


_SCHEMES: Mapping[Finding, str] = {Finding.ACCEPTED: "erc1271", Finding.ACCEPTED_UNDEPLOYED: "erc6492"}
_DENIALS: Mapping[Finding, str] = {
    Finding.REFUSED: "the account's contract refuses the signature",
    Finding.NO_CONTRACT: "no key signed this for the account, and there is no contract at its address",
    Finding.NOT_DEPLOYED: "what the signature was wrapped in makes no contract at the account's address",
}
_DOUBTS: Mapping[Finding, str] = {
    Finding.OUT_OF_GAS: "the account's contract used up the gas it is given here",
    # ERC-3668 leads to any URL: following it would let a stranger's contract send our requests where it likes. The
    # signature may be good all the same, so it is not called bad.
    Finding.ASKED_ELSEWHERE: "the account's contract wants data from elsewhere, which is not fetched here",
    Finding.OTHER_CHAIN: "the endpoint speaks for another chain",
}


def verdict_of(finding: Finding, account: Account) -> Verdict:
    """Return what a finding says of the account's signature."""
    if finding in _SCHEMES:
        return Valid(account=account, scheme=_SCHEMES[finding])
    if finding in _DENIALS:
        return Invalid(reason=_DENIALS[finding])
    return Inconclusive(reason=_DOUBTS[finding], passing=finding is Finding.OTHER_CHAIN)


def question(account: Account, digest: bytes, signature: bytes) -> bytes | None:
    """Return the data of the call: creation code and its arguments; None where an ERC-6492 wrapping is malformed."""
    wrapped = erc6492.Wrapped(factory=_NOBODY, deployment=b"", signature=signature)
    if erc6492.is_wrapped(signature):
        opened = erc6492.unwrap(signature)
        if opened is None:
            return None
        wrapped = opened
    return CREATION_CODE + _encoded(int(account.chain.partition(":")[2]), account.holder.canonical, digest, wrapped)


def _encoded(chain_id: int, wallet: bytes, digest: bytes, wrapped: erc6492.Wrapped) -> bytes:
    """Encode the constructor's arguments as the contract ABI says: a head of six words, then both byte strings."""
    signature, deployment = _dynamic(wrapped.signature), _dynamic(wrapped.deployment)
    offset = 6 * _WORD
    head = (
        _word(chain_id),
        wallet.rjust(_WORD, b"\0"),
        digest,
        _word(offset),
        wrapped.factory.rjust(_WORD, b"\0"),
        _word(offset + len(signature)),
    )
    return b"".join((*head, signature, deployment))


def _word(number: int) -> bytes:
    return number.to_bytes(_WORD, "big")


def _dynamic(data: bytes) -> bytes:
    return _word(len(data)) + data + bytes(-len(data) % _WORD)
