"""Tokens: read strictly, refused as values, small enough for a QR code, and struck off a signed list."""

import base64
from dataclasses import replace
from datetime import datetime, timedelta

import orjson
import pytest
import segno

from tests.support.tickets_box import opened, ordered, pay
from tickets import door, tickets
from tickets import jws as our_jws
from tickets.keys import KeyKind, Keyring, Refused, TokenFault
from tickets.ticket import TicketState
from tickets.tokens import NEXT_UPDATE, PAYMENTS_TOLD, TicketClaims, read_ticket, revocation_list, sign_ticket


@pytest.fixture
def keyring(tmp_path, now):
    return Keyring.create(tmp_path / "keys", now=now)


@pytest.fixture
def claims(now):
    return TicketClaims(
        account="eip155:1:0x9D85ca56217D2bb651b00f15e694EB7E713637D4",
        event_id=7,
        ticket_id="0123456789abcdef" * 2,
        tier="general",
        issued_at=now,
        expires_at=now + timedelta(days=1),
        payments=("ab" * 16,),
    )


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(keyring: Keyring, kind: KeyKind = KeyKind.TICKET, *, header=None, claims=None) -> str:
    """A token with the right key and something else about it wrong."""
    stored = keyring.signer(kind).stored
    head = {"alg": "EdDSA", "typ": kind.typ, "kid": stored.kid} | (header or {})
    signed = f"{b64(orjson.dumps(head))}.{b64(orjson.dumps(claims))}"
    return f"{signed}.{b64(stored.key.signing.sign(signed.encode()).signature)}"


def test_a_ticket_is_read_as_it_was_signed(keyring, claims, now):
    token = sign_ticket(keyring.signer(KeyKind.TICKET), claims)
    assert read_ticket(token, keyring, now=now) == claims


def test_the_claims_have_the_names_the_design_gives_them(keyring, claims):
    token = sign_ticket(keyring.signer(KeyKind.TICKET), claims)
    header, payload = (orjson.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    assert header.keys() == {"alg", "typ", "kid"}
    assert (header["alg"], header["typ"]) == ("EdDSA", "ticket+jwt")
    assert payload.keys() == {"iss", "aud", "sub", "evt", "tid", "tier", "iat", "exp", "pay"}
    assert (payload["iss"], payload["aud"], payload["sub"]) == ("usher", "ticket", claims.account)


MONERO = f"monero:418015bb9ae982a1975da7d79277c270:{'8' * 95}"


@pytest.mark.parametrize(
    ("changes", "payments", "version"),
    [
        ({}, 1, 16),  # 81 modules on a side
        ({}, 100, 18),
        ({"account": MONERO, "tier": "t" * 50}, 100, 20),  # 97: the longest there is, 0.6 mm each on a telephone
    ],
)
def test_a_ticket_fits_a_qr_code_that_a_telephone_reads(keyring, claims, changes, payments, version):
    named = Keyring(keyring.directory, keyring.keys, issuer="https://tickets.some-platform.example")
    paid = ("ab" * 16,) * payments
    token = sign_ticket(named.signer(KeyKind.TICKET), replace(claims, **changes, payments=paid, event_id=2**31 - 1))
    assert int(segno.make(token, error="l", micro=False).version) <= version
    assert read_ticket(token, named, now=claims.issued_at).payments == paid[:PAYMENTS_TOLD]


def test_a_token_lives_until_its_expiry_and_no_longer(keyring, claims, now):
    token = sign_ticket(keyring.signer(KeyKind.TICKET), claims)
    last = claims.expires_at - timedelta(seconds=1)
    assert isinstance(read_ticket(token, keyring, now=last), TicketClaims)
    assert read_ticket(token, keyring, now=claims.expires_at) == Refused(fault=TokenFault.EXPIRED)


def test_a_token_of_one_kind_is_worth_nothing_as_another(keyring, now):
    for signed in KeyKind:
        token = keyring.signer(signed).sign({"exp": 2**33})
        for wanted in KeyKind:
            read = keyring.verify(wanted, token, now=now)
            assert (read == Refused(fault=TokenFault.WRONG_KIND)) is (wanted is not signed)


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ({"alg": "none"}, TokenFault.WRONG_KIND),
        ({"alg": "HS256"}, TokenFault.WRONG_KIND),
        ({"alg": "Ed25519"}, TokenFault.WRONG_KIND),
        ({"typ": "JWT"}, TokenFault.WRONG_KIND),
        ({"typ": None}, TokenFault.WRONG_KIND),
        ({"kid": "nobody"}, TokenFault.UNKNOWN_KEY),
        ({"kid": ["a"]}, TokenFault.UNKNOWN_KEY),
        ({"kid": None}, TokenFault.UNKNOWN_KEY),
        ({"crit": ["exp"]}, TokenFault.WRONG_KIND),
        ({"b64": False, "crit": ["b64"]}, TokenFault.WRONG_KIND),
        ({"jwk": {}}, TokenFault.WRONG_KIND),
    ],
)
def test_a_header_that_is_not_ours_is_refused(keyring, now, header, fault):
    token = forged(keyring, header=header, claims={"aud": "ticket", "exp": 2**33})
    assert keyring.verify(KeyKind.TICKET, token, now=now) == Refused(fault=fault)


@pytest.mark.parametrize("kind", [KeyKind.SESSION, KeyKind.REVOCATIONS])
def test_a_key_of_another_kind_cannot_sign_a_ticket(keyring, now, kind):
    stored = keyring.signer(kind).stored
    token = our_jws.sign(stored.key, typ=KeyKind.TICKET.typ, kid=stored.kid, claims={"aud": "ticket", "exp": 2**33})
    assert keyring.verify(KeyKind.TICKET, token, now=now) == Refused(fault=TokenFault.UNKNOWN_KEY)


def test_a_strangers_key_under_our_kid_is_a_bad_signature(keyring, now):
    ours = keyring.signer(KeyKind.TICKET).stored.kid
    theirs = our_jws.Ed25519Key.generate_key("Ed25519")
    token = our_jws.sign(theirs, typ=KeyKind.TICKET.typ, kid=ours, claims={"aud": "ticket", "exp": 2**33})
    assert keyring.verify(KeyKind.TICKET, token, now=now) == Refused(fault=TokenFault.BAD_SIGNATURE)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"aud": "session"}, TokenFault.WRONG_AUDIENCE),
        ({"aud": ["ticket"]}, TokenFault.WRONG_AUDIENCE),
        ({"aud": None}, TokenFault.WRONG_AUDIENCE),
        ({"exp": "2"}, TokenFault.BAD_CLAIMS),
        ({"exp": True}, TokenFault.BAD_CLAIMS),
        ({"exp": 2.5e9}, TokenFault.BAD_CLAIMS),
        ({"exp": None}, TokenFault.BAD_CLAIMS),
        ({"exp": 0}, TokenFault.EXPIRED),
        ({"exp": 2**62}, TokenFault.BAD_CLAIMS),
        ({"iat": None}, TokenFault.BAD_CLAIMS),
        ({"sub": 7}, TokenFault.BAD_CLAIMS),
        ({"evt": "7"}, TokenFault.BAD_CLAIMS),
        ({"evt": True}, TokenFault.BAD_CLAIMS),
        ({"tid": None}, TokenFault.BAD_CLAIMS),
        ({"pay": "ab"}, TokenFault.BAD_CLAIMS),
        ({"pay": [1]}, TokenFault.BAD_CLAIMS),
    ],
)
def test_claims_of_another_type_are_refused_not_guessed(keyring, now, changes, fault):
    sound = {"aud": "ticket", "exp": 2**33, "iat": 1, "sub": "a", "evt": 7, "tid": "b", "tier": "c", "pay": []}
    assert isinstance(read_ticket(forged(keyring, claims=sound), keyring, now=now), TicketClaims)
    assert read_ticket(forged(keyring, claims=sound | changes), keyring, now=now) == Refused(fault=fault)


@pytest.mark.parametrize("claims", [[], 7, "x", None])
def test_claims_that_are_no_object_are_refused(keyring, now, claims):
    assert read_ticket(forged(keyring, claims=claims), keyring, now=now) == Refused(fault=TokenFault.BAD_CLAIMS)


async def test_the_revocation_list_names_what_is_worth_nothing_and_says_when_it_is_stale(store, now, keyring):
    event, signer = await opened(store, now), keyring.signer(KeyKind.TICKET)
    orders = [await ordered(store, event, now, by) for by in (1, 2, 3)]
    ids = [(await store.transact(lambda conn, o=o: pay(conn, o, event, signer, now)))[0].id for o in orders]
    await store.transact(lambda conn: tickets.suspend(conn, orders[0].id, reason="reorg", now=now))
    await store.transact(lambda conn: tickets.revoke(conn, ids[1], reason="fraud", now=now))

    async def listed(at: datetime):
        token = await store.read(lambda conn: revocation_list(conn, keyring, now=at))
        return keyring.verify(KeyKind.REVOCATIONS, token, now=at)

    claims = await listed(now)
    assert claims["tickets"] == {ids[0]: TicketState.SUSPENDED, ids[1]: TicketState.REVOKED}
    assert claims["sequence"] == await store.read(door.latest) == 2
    assert claims["next_update"] - claims["iat"] == NEXT_UPDATE.total_seconds()
    await store.transact(lambda conn: tickets.restore(conn, orders[0].id, now=now))
    later = await listed(now + timedelta(minutes=1))
    assert (later["tickets"], later["sequence"]) == ({ids[1]: TicketState.REVOKED}, 3)
    assert (await listed(event.ends_at))["tickets"] == {}
