"""A challenge as typed data: the same fields, one digest, and a key's signature of it."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from eth_account import Account as EthAccount
from eth_account.messages import encode_typed_data

from config.keccak import keccak256
from config.registry import Network
from tests.support.gate_house import Contracts, Wallet, opened, refused
from tests.support.verifier_signers import BENDS, account, verdict
from tests.support.verifier_wallets import ALICE, MALLORY, evm_account, personal_digest
from verifier.evm import eip191, eip712
from verifier.evm.erc6492 import MAGIC
from verifier.texts.challenge import LIFE, Challenge, write
from verifier.texts.purpose import Purpose, statement
from verifier.verdict import Invalid, Valid

ACCOUNT = evm_account(ALICE.address)
VALID = Valid(account=ACCOUNT, scheme="eip712")


@pytest.fixture
def challenge(now):
    return Challenge(
        domain="tickets.example",
        account=ACCOUNT,
        statement=statement(Purpose.JOIN, "Neon Night"),
        uri="https://tickets.example/event/17",
        nonce="a1b2c3d4e5f60718",
        issued_at=now,
        expires_at=now + LIFE,
        purpose=Purpose.JOIN,
        event_id=17,
    )


@dataclass
class Refusing:
    """A chain whose contracts refuse, and which remembers what it was asked."""

    asked: list = field(default_factory=list)

    async def contract_signature(self, account, digest, signature):
        self.asked.append((account, digest, signature))
        return Invalid(reason="the account's contract refuses the signature")


def reference(text):
    """The digest by eth-account's own encoder."""
    message = encode_typed_data(full_message=eip712.typed_data(text, Network.MAIN))
    return keccak256(b"\x19" + message.version + message.header + message.body)


def variants(challenge):
    yield challenge
    yield replace(challenge, account=evm_account(MALLORY.address, 137))
    yield replace(challenge, account=evm_account(ALICE.address, 9_007_199_254_740_993))
    yield replace(challenge, account=evm_account(ALICE.address, 10**31))
    yield replace(challenge, event_id=None, purpose=Purpose.SIGN_IN, statement=statement(Purpose.SIGN_IN, "x"))
    yield replace(challenge, domain="[::1]:8443", uri="urn:a:b", nonce="x" * 200)


def test_the_digest_is_eth_accounts_and_the_json_survives_a_page(challenge):
    for one in variants(challenge):
        text = write(one)
        typed = eip712.typed_data(text, Network.MAIN)
        assert json.loads(json.dumps(typed)) == typed
        assert eip712.digest(text, Network.MAIN) == reference(text)
        chain_id = typed["domain"]["chainId"]
        assert isinstance(chain_id, str) or chain_id < 2**53


def test_every_field_of_the_text_is_in_the_typed_data(challenge):
    text = write(challenge)
    shown = eip712.typed_data(text, Network.MAIN)["message"]
    said = [value for value in shown.values() if isinstance(value, str)] + shown["resources"] + [str(shown["chainId"])]
    rest = text
    for value in sorted(said, key=len, reverse=True):
        assert value in rest
        rest = rest.replace(value, "", 1)
    assert rest == (
        " wants you to sign in with your Ethereum account:\n\n\n\n\nURI: \nVersion: \nChain ID: \nNonce: \n"
        "Issued At: \nExpiration Time: \nResources:\n- \n- "
    )


def test_two_texts_never_share_a_digest(challenge):
    texts = [write(one) for one in variants(challenge)]
    digests = {eip712.digest(text, Network.MAIN) for text in texts}
    assert len(digests | {personal_digest(text) for text in texts}) == 2 * len(texts)


async def test_a_wallets_signature_of_the_typed_data_opens(now, challenge):
    text = write(challenge)
    key = EthAccount.from_key(ALICE.secret)
    signature = key.sign_typed_data(full_message=eip712.typed_data(text, Network.MAIN)).signature
    assert await verdict(ACCOUNT, text, "0x" + signature.hex(), now) == VALID
    assert VALID.by_key


async def test_the_same_text_still_opens_by_personal_sign(now, challenge):
    text = write(challenge)
    signature = ALICE.sign(personal_digest(text)).hex()
    assert await verdict(ACCOUNT, text, signature, now) == Valid(account=ACCOUNT, scheme="eip191")


@pytest.mark.parametrize("bend", BENDS)
async def test_a_bent_signature_of_typed_data_is_invalid(now, challenge, bend):
    text = write(challenge)
    bent = BENDS[bend](ALICE.sign(reference(text))).hex()
    assert isinstance(await verdict(ACCOUNT, text, bent, now, lookup=Refusing()), Invalid)


async def test_typed_data_of_another_text_or_by_another_key_is_invalid(now, challenge):
    text = write(challenge)
    other = write(replace(challenge, event_id=18))
    for signature in (ALICE.sign(reference(other)), MALLORY.sign(reference(text)), ALICE.sign(reference(text)) + MAGIC):
        assert isinstance(await verdict(ACCOUNT, text, signature.hex(), now, lookup=Refusing()), Invalid)


async def test_typed_data_is_held_to_its_time_as_the_text_is(now, challenge):
    text = write(challenge)
    signature = ALICE.sign(reference(text)).hex()
    late = now + LIFE + timedelta(seconds=30)
    assert await verdict(ACCOUNT, text, signature, late) == Invalid(reason="the text has expired")


@pytest.mark.parametrize("event", [17, None])
async def test_a_contract_is_asked_about_the_text_alone_and_once(now, challenge, event):
    purpose = Purpose.JOIN if event else Purpose.SIGN_IN
    text = write(replace(challenge, event_id=event, purpose=purpose, statement=statement(purpose, "x")))
    chain = Refusing()
    assert isinstance(await verdict(ACCOUNT, text, "0x" + "51" * 70, now, lookup=chain), Invalid)
    assert chain.asked == [(ACCOUNT, eip191.digest(text), b"\x51" * 70)]


def test_no_other_text_has_typed_data(challenge):
    text = write(challenge)
    for other in (
        "",
        "Access event 42 at 1795176000000",
        text + "\n",
        text.replace("Expiration Time: 2026-11-20T12:05:00Z\n", ""),  # a sign-in, and none of ours
        text.replace("urn:usher:", "urn:other:"),
        "\udfff",
        write(replace(challenge, account=account("alice"))),
    ):
        assert eip712.typed_data(other, Network.MAIN) is None
        assert eip712.digest(other, Network.MAIN) is None


# --- at the gate ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def house(store, now, tmp_path):
    async with opened(store, now, tmp_path, lookup=Contracts()) as house:
        yield house


async def asked(house, wallet):
    answer = await house.post("challenge", {"wallet_address": wallet})
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_the_challenge_comes_with_its_typed_data_and_either_opens_once(house):
    wallet = Wallet(1)
    await house.ticket(wallet)
    challenge = await asked(house, wallet.address)
    key = EthAccount.from_key(wallet.number.to_bytes(32, "big"))
    signature = "0x" + key.sign_typed_data(full_message=challenge["typed_data"]).signature.hex()
    body = {"wallet_address": wallet.address, "message": challenge["message"], "signature": signature}
    assert (await house.post("join", body)).status == 200
    assert await refused(await house.post("join", body)) == (409, "proof_spent")
    by_text = body | {"signature": wallet.sign(challenge["message"])}
    assert await refused(await house.post("join", by_text)) == (409, "proof_spent")


@pytest.mark.parametrize(
    "wallet", ["tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv"]
)
async def test_other_wallets_have_no_typed_data(house, wallet):
    assert (await asked(house, wallet))["typed_data"] is None


async def test_a_chain_id_beyond_what_json_numbers_hold_is_no_error_of_ours(house):
    answer = await asked(house, f"eip155:{10**31}:{Wallet(1).address}")
    assert answer["typed_data"]["domain"]["chainId"] == str(10**31)
