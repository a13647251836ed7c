"""The emulated Solana node as the library's own client meets it, and beside blocks of the real network."""

import asyncio
import json
import platform
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized, Processed
from solana.rpc.core import RPCException
from solana.rpc.models import TokenAccountOpts, TxOpts
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import (
    AdvanceNonceAccountParams,
    CreateAccountParams,
    InitializeNonceAccountParams,
    advance_nonce_account,
    create_account,
    initialize_nonce_account,
)
from solders.transaction import VersionedTransaction

from chains.rpc import Call, EndpointError, Refusal
from chains.solana.transport import SolanaTransport, identify
from tests.nodes.solana.ledger import GENESIS, STARTED, Ledger
from tests.nodes.solana.node import Node
from tests.nodes.solana.rpc import METHODS, answer
from tests.nodes.solana.server import serving
from tests.support.programs import ROOT, free_port, listens, running
from tests.support.solana_node import CHAIN, RENT, SOL, hands, memo, wallet
from tests.support.vectors import vectors


@pytest.fixture
async def server():
    async with serving(Ledger(finality=8, confirmed=1)) as running_server:
        yield running_server


@pytest.fixture
def ledger(server):
    return server.ledger


@pytest.fixture
async def client(server):
    async with AsyncClient(server.url) as opened:
        yield opened


@pytest.fixture
def payer(ledger):
    return hands(ledger)


# --- who it is -----------------------------------------------------------------------------------------------


async def test_it_speaks_for_the_local_chain_of_the_registry(client):
    said = str((await client.get_genesis_hash()).value)
    assert said == GENESIS
    assert f"solana:{said[:32]}" == CHAIN
    assert await client.is_connected()
    assert (await client.get_version()).value.solana_core


def test_it_runs_as_a_program_of_its_own():
    port = free_port()
    command = [sys.executable, "-m", "tests.nodes.solana", "--port", str(port), "--finality", "4"]
    with running(command, ready=lambda: listens(port), folder=ROOT):

        def rpc(method, *params):
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}", body, timeout=10) as response:
                return json.load(response)["result"]

        assert rpc("emulator_mine", 9) == 9
        assert rpc("getSlot", {"commitment": "finalized"}) == 9 - 4 + 1
        assert rpc("getSlot", {"commitment": "processed"}) == 9


def test_blocks_come_by_themselves_where_an_interval_is_named():
    port = free_port()
    command = [sys.executable, "-m", "tests.nodes.solana", "--port", str(port), "--interval", "0.01"]

    def mined():
        if not listens(port):
            return False
        body = b'{"jsonrpc":"2.0","id":1,"method":"getSlot","params":[{"commitment":"processed"}]}'
        with urllib.request.urlopen(f"http://127.0.0.1:{port}", body, timeout=10) as response:
            return json.load(response)["result"] > 3

    with running(command, ready=mined, folder=ROOT) as process:
        assert process.poll() is None


async def test_what_it_does_not_know_is_refused(server):
    transport = SolanaTransport(server.url)
    assert await transport.call(Call(method="getEverything")) == Refusal(code=-32601, message="Method not found")
    refused, told = await transport.batch([Call(method="getSlot", params=("x", 7)), Call(method="getSlot")])
    assert isinstance(refused, Refusal)
    assert (refused.code, told) == (-32602, 0)
    assert await identify(transport) == CHAIN
    server.node().garbage = b"[]"
    with pytest.raises(EndpointError, match="malformed"):
        await transport.call(Call(method="getSlot"))
    await transport.aclose()
    await transport.aclose()


# --- sending -------------------------------------------------------------------------------------------------


async def test_a_transaction_is_sent_simulated_and_told_of(client, ledger, payer):
    ours = wallet(payer)
    sent = payer.sign(payer.give(ours, 5), memo("hello"))
    simulated = (await client.simulate_transaction(sent)).value
    assert (simulated.err, simulated.units_consumed > 0) == (None, True)
    signature = (await client.send_transaction(sent)).value
    assert (await client.get_signature_statuses([signature])).value == [None]
    ledger.mine()
    [status] = (await client.get_signature_statuses([signature])).value
    assert (status.slot, status.err, str(status.confirmation_status)) == (
        ledger.tip.slot, None, "TransactionConfirmationStatus.Processed"
    )  # fmt: skip
    ledger.mine()
    [entry] = [
        one
        for one in (await client.get_signatures_for_address(ours, commitment=Confirmed)).value
        if one.signature == signature
    ]
    assert entry.memo == "[5] hello"
    for encoding in ("json", "jsonParsed", "base64", "base58"):
        told = (await client.get_transaction(signature, encoding, Confirmed, 0)).value
        assert (told.slot, told.transaction.meta.fee) == (entry.slot, 5000)


async def test_a_wrong_signature_an_old_blockhash_and_a_second_time_are_refused_before_sending(client, ledger, payer):
    good = payer.sign(payer.give(wallet(payer), 5))
    bent = VersionedTransaction.populate(good.message, [Signature.default()])
    with pytest.raises(RPCException, match="SignatureVerificationFailure"):
        await client.send_transaction(bent)
    stale = MessageV0.try_compile(payer.payer.pubkey(), [memo("old")], [], Hash.new_unique())
    with pytest.raises(RPCException, match="Blockhash not found"):
        await client.send_transaction(VersionedTransaction(stale, [payer.payer]))
    await client.send_transaction(good)
    ledger.mine()
    with pytest.raises(RPCException, match="already been processed"):
        await client.send_transaction(good)
    poor = Keypair()
    with pytest.raises(RPCException, match="no record of a prior credit"):
        await client.send_transaction(payer.sign(memo("poor"), payer=poor))


async def test_without_preflight_a_transaction_that_fails_lands_and_pays_its_fee(client, ledger, payer):
    before = (await client.get_balance(payer.payer.pubkey(), Processed)).value
    sent = payer.sign(payer.give(wallet(payer), 10**15))
    with pytest.raises(RPCException, match="InstructionError"):
        await client.send_transaction(sent)
    signature = (await client.send_transaction(sent, opts=TxOpts(skip_preflight=True))).value
    ledger.mine(2)
    told = (await client.get_transaction(signature, "json", Confirmed, 0)).value
    assert "Custom" in str(told.transaction.meta.err)
    assert told.transaction.meta.pre_balances[0] - told.transaction.meta.post_balances[0] == 5000
    assert (await client.get_balance(payer.payer.pubkey(), Processed)).value < before


async def test_a_blockhash_is_good_for_150_blocks(client, ledger, payer):
    sent = payer.sign(memo("late"))
    ledger.mine(120)
    assert ledger.fault(sent) is None
    ledger.mine(40)
    assert ledger.fault(sent) == "BlockhashNotFound"
    ledger.send(sent)
    ledger.mine()
    assert ledger.dropped[str(sent.signatures[0])] == "BlockhashNotFound"


async def test_a_nonce_outlives_blockhashes_and_is_good_once(ledger, payer):
    account, own = Keypair(), payer.payer.pubkey()
    opened = CreateAccountParams(
        from_pubkey=own, to_pubkey=account.pubkey(), lamports=2 * SOL, space=80, owner=Pubkey.default()
    )
    first = InitializeNonceAccountParams(nonce_pubkey=account.pubkey(), authority=own)
    payer.done(create_account(opened), initialize_nonce_account(first), signers=[account])
    ledger.mine()
    nonce = Hash(bytes(ledger.svm.get_account(account.pubkey()).data)[40:72])
    advance = advance_nonce_account(AdvanceNonceAccountParams(nonce_pubkey=account.pubkey(), authorized_pubkey=own))
    one, other = (
        VersionedTransaction(MessageV0.try_compile(own, [advance, memo(text)], [], nonce), [payer.payer])
        for text in ("one", "other")
    )
    ledger.mine(400)
    ledger.send(one)
    ledger.mine()
    assert ledger.find(str(one.signatures[0])) is not None
    assert ledger.fault(other) == "BlockhashNotFound"


async def test_an_airdrop_is_a_transaction_of_the_faucet(client, ledger):
    key = Keypair().pubkey()
    first = (await client.request_airdrop(key, SOL)).value
    assert first != (await client.request_airdrop(key, SOL)).value
    ledger.mine()
    assert (await client.get_balance(key, Processed)).value == 2 * SOL
    assert (await client.get_balance(key, Finalized)).value == 0


LONG_DOUBLES = """
import base64, ctypes
from tests.nodes.solana.ledger import Ledger
from tests.nodes.solana.node import Node
from tests.nodes.solana.transactions import simulate
from tests.support.solana_node import hands
from solders.keypair import Keypair

fma = ctypes.CDLL(None).fmal
fma.restype, fma.argtypes = ctypes.c_longdouble, [ctypes.c_longdouble] * 3
ledger = Ledger()
payer = hands(ledger)
mint = payer.mint()
payer.stock(mint, 1)
opened = payer.sign(payer.opened(Keypair().pubkey(), mint))
simulate(Node(ledger), base64.b64encode(bytes(opened)).decode(), {"encoding": "base64"})
apart = fma(1.5, 2, 1)
ledger.svm.send_transaction(opened)
print(apart, fma(1.5, 2, 1))
"""


def test_programs_run_on_a_thread_of_their_own_for_they_leave_it_unable_to_count():
    said = subprocess.run([sys.executable, "-c", LONG_DOUBLES], cwd=ROOT, capture_output=True, text=True, check=True)
    apart, here = said.stdout.split()
    assert apart == "4.0"
    assert here == ("nan" if platform.machine() == "x86_64" else "4.0")


# --- looking -------------------------------------------------------------------------------------------------


async def test_each_commitment_shows_its_own_tip_and_its_own_balances(client, ledger, payer):
    ours = wallet(payer)
    ledger.mine(10)
    payer.send(payer.give(ours, 5))
    ledger.mine(3)
    slots = [(await client.get_slot(level)).value for level in (Processed, Confirmed, Finalized)]
    assert slots == [ledger.tip.slot, ledger.tip.slot - 1, ledger.tip.slot - 7]
    balances = [(await client.get_balance(ours, level)).value for level in (Processed, Confirmed, Finalized)]
    assert balances == [RENT + 5, RENT + 5, RENT]


async def test_slots_without_blocks_and_slots_to_come_have_their_own_errors(client, ledger):
    ledger.mine(3)
    ledger.skip(2)
    ledger.mine(20)
    assert (await client.get_blocks(2, 7)).value == [2, 3, 6, 7]
    for slot, text in ((4, "was skipped"), (ledger.tip.slot, "not available"), (10**6, "not available")):
        with pytest.raises(RPCException, match=text):
            await client.get_block(slot)
    block = (await client.get_block(6)).value
    assert (block.parent_slot, block.block_height) == (3, 4)
    assert block.previous_blockhash == (await client.get_block(3)).value.blockhash
    ledger.skip(1)
    ledger.mine()
    with pytest.raises(RPCException, match="not available"):  # above the final slot nobody says "skipped"
        await client.get_block(ledger.tip.slot - 1)


async def test_a_listing_follows_before_until_and_limit_and_an_unknown_until_ends_nothing(client, ledger, payer):
    ours = wallet(payer)
    sent = [payer.done(payer.give(ours, amount)) for amount in range(1, 6)]
    ledger.mine(10)

    async def listed(**options):
        return [str(one.signature) for one in (await client.get_signatures_for_address(ours, **options)).value]

    first = (await listed())[-1]
    assert await listed() == [*sent[::-1], first]
    assert await listed(limit=2) == sent[:-3:-1]
    assert await listed(before=Signature.from_string(sent[2])) == [sent[1], sent[0], first]
    assert await listed(until=Signature.from_string(sent[2])) == [sent[4], sent[3]]
    assert await listed(until=Signature.new_unique()) == [*sent[::-1], first]
    assert await listed(before=Signature.new_unique()) == []
    with pytest.raises(RPCException, match="Minimum context slot"):
        await listed(min_context_slot=10**6)
    with pytest.raises(RPCException, match="does not support commitment below"):
        await listed(commitment=Processed)


async def test_versions_that_the_client_does_not_name_are_refused(client, ledger, payer):
    signature = Signature.from_string(payer.done(memo("v0")))
    ledger.mine()
    with pytest.raises(RPCException, match="is not supported by the requesting client"):
        await client.get_transaction(signature, "json", Confirmed)


async def test_token_accounts_are_told_by_owner_with_what_they_hold(client, ledger, payer):
    mint, owner = payer.mint(), Keypair().pubkey()
    payer.stock(mint, 5_000_000)
    ledger.mine(8)
    account = payer.account(owner, mint)
    payer.done(payer.opened(owner, mint), payer.pass_on(mint, account, 1_500_000))
    by_mint = TokenAccountOpts(mint=mint)
    [held] = (await client.get_token_accounts_by_owner_json_parsed(owner, by_mint, Processed)).value
    assert held.pubkey == account
    assert held.account.data.parsed["info"]["tokenAmount"]["uiAmountString"] == "1.5"
    assert (await client.get_token_account_balance(account, Processed)).value.amount == "1500000"
    assert (await client.get_token_accounts_by_owner(owner, by_mint, Finalized)).value == []
    read = (await client.get_multiple_accounts([account, mint, Keypair().pubkey()], Processed)).value
    assert [one is not None for one in read] == [True, True, False]


async def test_a_fork_undoes_what_was_done_and_lets_it_be_sent_again(client, ledger, payer):
    ours = wallet(payer)
    ledger.mine(10)
    sent = payer.sign(payer.give(ours, 5))
    ledger.send(sent)
    ledger.mine(2)
    before, hashes = ledger.tip.slot, [block.hash for block in ledger.blocks[-2:]]
    ledger.fork(2)
    assert (await client.get_balance(ours, Processed)).value == RENT
    assert ledger.find(str(sent.signatures[0])) is None
    ledger.mine(2)
    assert ledger.tip.slot == before
    assert {block.hash for block in ledger.blocks[-2:]}.isdisjoint(hashes)
    await client.send_transaction(sent)
    ledger.mine()
    assert (await client.get_balance(ours, Processed)).value == RENT + 5
    ledger.fork(1, keep=True)
    ledger.mine()
    assert (await client.get_balance(ours, Processed)).value == RENT + 5


async def test_the_clock_goes_with_the_slots_or_as_the_test_says(client, ledger):
    ledger.mine(5)
    assert (await client.get_block_time(5)).value == STARTED + 2
    ledger.pass_time(3600)
    ledger.mine()
    assert (await client.get_block_time(6)).value == STARTED + 3602


async def test_two_endpoints_stand_before_one_ledger_and_may_lag_apart(server):
    server.ledger.mine(20)
    server.node("/slow").lag = 5
    async with AsyncClient(f"{server.url}/slow") as slow, AsyncClient(f"{server.url}/fast") as fast:
        slots = await asyncio.gather(slow.get_slot(Processed), fast.get_slot(Processed))
    assert [one.value for one in slots] == [15, 20]


# --- beside the real network ---------------------------------------------------------------------------------

ANY = "of any kind"
ELSEWHERE = (".parsed", ".rewards", "InstructionError")
"""Programs that nobody calls here, validators' rewards, and what went wrong: these have shapes of their own."""
BLOCKS = ["block_241043141_v2", "block_v2", "block_with_versioned_tx", "transaction_err"]


def shape(value):
    """What kinds of values stand where: keys of objects with theirs, of lists what their members may be."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        merged = None
        for inner in value:
            merged = joined(merged, shape(inner))
        return [merged]
    return type(value).__name__


def joined(one, other):
    """A shape that has what either has; where they are of different kinds, of any."""
    if one in (None, "NoneType", other) or other in (None, "NoneType"):
        return other if one in (None, "NoneType") else one
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: joined(one.get(key), other.get(key)) for key in {**one, **other}}
    if isinstance(one, list) and isinstance(other, list):
        return [joined(one[0], other[0])]
    return ANY


def fits(real, ours, at=""):
    """Whatever stands in a real answer stands in ours, of the same kind; what is not there is named."""
    if isinstance(real, dict) and isinstance(ours, dict):
        for key, inner in real.items():
            if key not in ours:
                yield f"{at}.{key}"
            else:
                yield from fits(inner, ours[key], f"{at}.{key}")
    elif isinstance(real, list) and isinstance(ours, list):
        if real[0] is not None and ours[0] is not None:
            yield from fits(real[0], ours[0], f"{at}[]")
    elif real != ours and not {"NoneType", ANY} & {kind for kind in (real, ours) if isinstance(kind, str)}:
        yield f"{at}: {real} and {ours}"


@pytest.fixture(scope="module")
def emulated():
    """Full blocks of the emulation, in both readable encodings, with all kinds of transactions in them."""
    ledger = Ledger()
    payer = hands(ledger)
    mint, ours = payer.mint(), wallet(payer)
    payer.stock(mint, 10**9)
    table = payer.table(ours)
    ledger.mine()
    for transaction in (
        payer.sign(payer.opened(ours, mint), payer.pass_on(mint, payer.account(ours, mint), 5), memo("x")),
        payer.sign(payer.give(ours, 5), version=None),
        payer.sign(payer.give(ours, 5), tables=[table]),
        payer.sign(payer.give(ours, 10**15)),
    ):
        ledger.send(transaction)
    ledger.mine()
    return {
        encoding: answer(
            Node(ledger),
            "getBlock",
            [ledger.tip.slot, {"encoding": encoding, "commitment": "confirmed", "maxSupportedTransactionVersion": 0}],
        )
        for encoding in ("json", "jsonParsed")
    }


@pytest.mark.parametrize("name", BLOCKS)
def test_its_answers_have_what_real_answers_have(emulated, name):
    real = vectors(f"blocks/solana/{name}.json")
    parsed = isinstance(real["transactions"][0]["transaction"]["message"]["accountKeys"][0], dict)
    ours = shape(emulated["jsonParsed" if parsed else "json"])
    assert [path for path in fits(shape(real), ours) if not any(part in path for part in ELSEWHERE)] == []


def test_it_offers_every_method_that_usher_asks_for():
    asked = set()
    for path in (ROOT / "chains" / "solana").glob("*.py"):
        text = Path(path).read_text("utf-8")
        asked |= {name for name in METHODS if f'"{name}"' in text}
        asked |= {part.split('"')[0] for part in text.split('method="')[1:]}
    assert asked <= set(METHODS)
    assert {"getBlock", "getTransaction", "getSignaturesForAddress"} <= asked
