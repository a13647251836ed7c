"""EIP-7702 on a real node: an account with code that still signs as a key, and whose code is asked where it did not."""

from datetime import timedelta

import pytest
from eth_account import Account as EthAccount

from chains.evm.lookup import EvmLookup
from tests.support.anvil import MNEMONIC_KEYS
from tests.support.verifier_wallets import ALICE, MALLORY, Key, evm_account, personal_digest, wallet
from verifier.evm import eip712
from verifier.port import NO_LOOKUP, Lookups
from verifier.texts.challenge import LIFE, Challenge, write
from verifier.texts.purpose import Purpose, statement
from verifier.verdict import Invalid, Valid
from verifier.verify import verify

BOB = Key(b"\xb0" * 32)
DESIGNATOR = "0xef0100"
NOBODY = "0x" + "00" * 20
SPONSOR = EthAccount.from_key(MNEMONIC_KEYS[2])
ACCOUNT = evm_account(ALICE.address)
MESSAGE = "Access event 42 at 1795435200000"
DIGEST = personal_digest(MESSAGE)


@pytest.fixture
def chain(anvils):
    with anvils(1).lent() as node:
        yield node


@pytest.fixture
async def ask(chain, now):
    """Ask for the verdict on a signature by ALICE's account: `await ask(message, signature)`; `asked` counts calls."""
    calls = []
    lookup = EvmLookup({"eip155:1": [chain.url]}, observer=lambda spoken: calls.append(spoken.method))

    async def verdict(message, signature):
        both = Lookups(contracts=lookup, authorities=NO_LOOKUP)
        return await verify(ACCOUNT, message, signature.hex(), lookup=both, now=now)

    verdict.calls = calls
    yield verdict
    await lookup.aclose()


def delegate(chain, to):
    """Have ALICE's key delegate to a contract's code; somebody else sends it and pays."""
    nonce = int(chain.rpc("eth_getTransactionCount", ALICE.address, "latest"), 16)
    authorization = EthAccount.sign_authorization({"chainId": 1, "address": to, "nonce": nonce}, ALICE.secret)
    transaction = {
        "type": 4,
        "chainId": 1,
        "nonce": int(chain.rpc("eth_getTransactionCount", SPONSOR.address, "latest"), 16),
        "to": SPONSOR.address,
        "value": 0,
        "gas": 200_000,
        "maxFeePerGas": 10**11,
        "maxPriorityFeePerGas": 0,
        "data": "0x",
        "accessList": [],
        "authorizationList": [authorization],
    }
    txid = chain.rpc("eth_sendRawTransaction", "0x" + SPONSOR.sign_transaction(transaction).raw_transaction.hex())
    chain.mine()
    assert chain.rpc("eth_getTransactionReceipt", txid)["status"] == "0x1"
    code = chain.rpc("eth_getCode", ALICE.address, "latest")
    assert code == ("0x" if to == NOBODY else DESIGNATOR + to.removeprefix("0x").lower())


def challenge(now):
    return write(
        Challenge(
            domain="tickets.example",
            account=ACCOUNT,
            statement=statement(Purpose.JOIN, "Neon Night"),
            uri="https://tickets.example/event/17",
            nonce="a1b2c3d4e5f60718",
            issued_at=now - timedelta(seconds=1),
            expires_at=now - timedelta(seconds=1) + LIFE,
            purpose=Purpose.JOIN,
            event_id=17,
        )
    )


@pytest.mark.parametrize("code", ["Reverts", "AnswersOtherwise", "Loop", "AsksElsewhere"])
async def test_the_key_still_speaks_for_an_account_whatever_code_it_delegates_to(chain, ask, now, code):
    delegate(chain, wallet(chain, code))
    assert await ask(MESSAGE, ALICE.sign(DIGEST)) == Valid(account=ACCOUNT, scheme="eip191")
    text = challenge(now)
    typed = ALICE.sign(eip712.digest(text, ACCOUNT.holder.network))
    assert await ask(text, typed) == Valid(account=ACCOUNT, scheme="eip712")
    assert ask.calls == []


async def test_where_the_key_did_not_sign_the_code_it_delegates_to_is_asked(chain, ask):
    delegate(chain, wallet(chain, "KeyWallet", BOB))
    assert await ask(MESSAGE, BOB.sign(DIGEST)) == Valid(account=ACCOUNT, scheme="erc1271")
    assert await ask(MESSAGE, MALLORY.sign(DIGEST)) == Invalid(reason="the account's contract refuses the signature")
    assert ask.calls == ["eth_call", "eth_call"]


async def test_a_delegation_that_was_taken_back_speaks_no_more(chain, ask):
    delegate(chain, wallet(chain, "KeyWallet", BOB))
    delegate(chain, NOBODY)
    assert await ask(MESSAGE, BOB.sign(DIGEST)) == Invalid(
        reason="no key signed this for the account, and there is no contract at its address"
    )
    assert await ask(MESSAGE, ALICE.sign(DIGEST)) == Valid(account=ACCOUNT, scheme="eip191")


async def test_a_delegation_to_a_key_is_a_delegation_to_nothing(chain, ask):
    """An account without code answers every call with success and nothing: that is no yes."""
    delegate(chain, BOB.address)
    assert await ask(MESSAGE, BOB.sign(DIGEST)) == Invalid(reason="the account's contract refuses the signature")
