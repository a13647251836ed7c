"""`usher verify`: one signature, or a stream of them that no line can break."""

import json

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st
from solders.keypair import Keypair

from tests.support.command_line import typed
from tests.support.vectors import vectors
from tests.support.verifier_signers import HiveKey, MoneroKeys, written
from usher.cli import verify
from verifier.evm import erc6492

WALLET = Account.from_key(b"\x01" * 32)
TEXT = "Access event 7 at 1795176000000\nüber alles"


def signed(text=TEXT, wallet=WALLET):
    return "0x" + wallet.sign_message(encode_defunct(text=text)).signature.hex()


def verdicts(*lines):
    data = b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    result = typed(["verify", "--jsonl"], data)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def question(account=WALLET.address, message=TEXT, signature=None, **more):
    return {"account": account, "message": message, "signature": signature or signed(), **more}


def test_a_signature_of_the_account_is_valid():
    result = typed(["verify", WALLET.address, "--message", TEXT, "--signature", signed(), "--json"])
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"verdict": "valid", "reason": "eip191"})


@pytest.mark.parametrize("account", [WALLET.address.lower(), f"eip155:137:{WALLET.address}"])
def test_the_account_may_be_in_lower_case_or_a_caip_10_id(account):
    assert typed(["verify", account, "--message", TEXT, "--signature", signed()]).exit_code == 0


def test_message_and_signature_are_read_from_files_byte_for_byte(tmp_path):
    (tmp_path / "text").write_bytes(f"{TEXT}\n".encode())
    (tmp_path / "proof").write_text(signed(f"{TEXT}\n") + "\n")
    files = ["--message-file", str(tmp_path / "text"), "--signature-file", str(tmp_path / "proof")]
    assert typed(["verify", WALLET.address, *files]).exit_code == 0
    assert typed(["verify", WALLET.address, "--message", TEXT, *files[2:]]).exit_code != 0


def test_the_message_is_read_from_standard_input():
    words = ["verify", WALLET.address, "--message-file", "-", "--signature", signed()]
    assert typed(words, TEXT.encode()).exit_code == 0


def test_a_signature_of_another_key_is_never_valid():
    other = Account.from_key(b"\x02" * 32)
    result = typed(["verify", WALLET.address, "--message", TEXT, "--signature", signed(wallet=other)])
    assert result.exit_code == 1


def test_garbage_is_invalid():
    result = typed(["verify", WALLET.address, "--message", TEXT, "--signature", "garbage"])
    assert (result.exit_code, result.stdout.split()[1]) == (1, "invalid")


@pytest.mark.parametrize(
    "words",
    [
        [],
        [WALLET.address],
        [WALLET.address, "--message", "a"],
        [WALLET.address, "--message", "a", "--signature", "b", "--signature-file", "c"],
        [WALLET.address, "--message", "a", "--signature-file", "/nowhere/at/all"],
        [WALLET.address, "--message", "a", "--signature", "b", "--chain-url", "eip155:1"],
        [WALLET.address, "--message", "a", "--signature", "b", "--at", "tomorrow"],
    ],
)
def test_a_command_that_cannot_be_carried_out_is_a_usage_error(words):
    assert typed(["verify", *words]).exit_code == 2


def test_a_stream_is_answered_line_by_line():
    answers = verdicts(question(), question(message="other"), question())
    assert [answer["verdict"] for answer in answers] == ["valid", "invalid", "valid"]


def test_without_a_node_only_a_signature_that_speaks_of_a_contract_is_inconclusive():
    wrapped = "0x" + erc6492.MAGIC.hex().rjust(128, "0")
    answers = verdicts(question(signature="0x" + "11" * 65), question(signature=wrapped))
    assert [answer["verdict"] for answer in answers] == ["invalid", "inconclusive"]


def test_a_line_is_judged_at_its_own_moment():
    past, wrong = verdicts(question(at="2020-01-01T00:00:00Z"), question(at="yesterday"))
    assert (past["verdict"], wrong["verdict"]) == ("valid", "invalid")


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{bad\n",
        b"[]\n",
        b"null\n",
        b"\xff\n",
        b'{"account":"x"}\n',
        b'{"account":1,"message":"","signature":""}\n',
        b'{"account":"x","message":null,"signature":""}\n',
        b'{"account":"\\ud800","message":"","signature":""}\n',
        b"[" * 100_000 + b"\n",
        b"x" * (verify.LONGEST_LINE + 1) + b"\n",
        b"x" * (3 * verify.LONGEST_LINE) + b"\n",
    ],
)
def test_a_broken_line_is_a_verdict_and_the_next_one_is_answered(line):
    broken, next_one = verdicts(line, question())
    assert broken["verdict"] == "invalid"
    assert broken["reason"]
    assert next_one["verdict"] == "valid"


def test_the_last_line_needs_no_end():
    assert verdicts(json.dumps(question()).encode()) == [{"verdict": "valid", "reason": "eip191"}]


def test_a_name_whose_keys_its_chain_alone_knows_is_inconclusive():
    signature = HiveKey("alice").sign(TEXT).hex()
    (answer,) = verdicts(question(account="alice", signature=signature))
    assert answer == {"verdict": "inconclusive", "reason": "only a node can tell which keys speak for the account"}


def test_other_families_need_no_node():
    solana, monero = Keypair.from_seed(b"\xa1" * 32), MoneroKeys(spend=3**100, view=5**80)
    asked = (
        question(account=str(solana.pubkey()), signature=str(solana.sign_message(TEXT.encode()))),
        question(account=monero.account.address, signature=written(monero.sign(TEXT))),
    )
    assert [verdicts(one)[0]["reason"] for one in asked] == ["ed25519", "monero-v2"]


def test_a_node_that_does_not_answer_leaves_it_inconclusive():
    words = ["verify", "--jsonl", "--chain-url", "eip155:1=http://127.0.0.1:9"]
    result = typed(words, json.dumps(question(message="other")))
    assert json.loads(result.stdout)["verdict"] == "inconclusive"


@given(lines=st.lists(st.binary(max_size=60).map(lambda data: data.replace(b"\n", b"") + b"\n"), max_size=5))
def test_any_bytes_are_answered_with_one_verdict_for_each_line(lines):
    answers = verdicts(*lines)
    assert len(answers) == len(lines)
    assert {answer["verdict"] for answer in answers} <= {"valid", "invalid", "inconclusive"}


def test_the_published_sign_in_messages_are_valid_at_their_time():
    for name, case in vectors("siwe/test.verification_positive.json").items():
        words = ["verify", case["address"], "--message-file", "-", "--signature", case["signature"]]
        result = typed([*words, "--at", case.get("time") or case["issuedAt"]], siwe_text(case).encode())
        assert result.exit_code == 0, (name, result.output)


def siwe_text(fields):
    """Write the fields of a published message as EIP-4361 lays them out."""
    statement = [fields["statement"], ""] if fields.get("statement") else [""]
    lines = [
        f"{fields['domain']} wants you to sign in with your Ethereum account:",
        fields["address"],
        "",
        *statement,
        f"URI: {fields['uri']}",
        f"Version: {fields['version']}",
        f"Chain ID: {fields['chainId']}",
        f"Nonce: {fields['nonce']}",
        f"Issued At: {fields['issuedAt']}",
    ]
    for name, label in (
        ("expirationTime", "Expiration Time"),
        ("notBefore", "Not Before"),
        ("requestId", "Request ID"),
    ):
        if fields.get(name) is not None:
            lines.append(f"{label}: {fields[name]}")
    if fields.get("resources"):
        lines += ["Resources:", *(f"- {resource}" for resource in fields["resources"])]
    return "\n".join(lines)
