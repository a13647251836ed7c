"""Signing keys: kept from other eyes, rotated without losing what they signed, and never used for another kind."""

import stat
from datetime import timedelta

import orjson
import pytest
from joserfc import jws
from joserfc.jwk import KeySet, OKPKey

from tickets import jws as our_jws
from tickets import key_files
from tickets.key_files import KeyBrokenError, KeyPermissionsError, KeysMissingError
from tickets.keys import KeyKind, Keyring, Refused, TokenFault


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "keys"


@pytest.fixture
def keyring(directory, now):
    return Keyring.create(directory, now=now, issuer="https://usher.example")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_are_made_for_their_owners_eyes_only(directory, keyring):
    assert mode(directory) == 0o700
    assert {path.name: mode(path) for path in directory.iterdir()} == {f"{kind}.jwks": 0o600 for kind in KeyKind}


def test_making_keys_twice_keeps_the_first(directory, keyring, now):
    again = Keyring.create(directory, now=now + timedelta(days=1))
    assert again.jwks(now) == keyring.jwks(now)
    assert len(keyring.jwks(now)["keys"]) == 3


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_that_others_can_read_is_refused_and_the_remedy_named(directory, keyring, bits):
    path = directory / "ticket.jwks"
    path.chmod(bits)
    with pytest.raises(KeyPermissionsError, match=f"chmod 600 {path}"):
        Keyring.load(directory)


def test_a_directory_that_others_can_enter_is_refused(directory, keyring):
    directory.chmod(0o755)
    with pytest.raises(KeyPermissionsError, match=f"chmod 700 {directory}"):
        Keyring.load(directory)


def test_missing_keys_name_the_command_that_makes_them(directory):
    with pytest.raises(KeysMissingError, match="usher init"):
        Keyring.load(directory)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{}", b"[]", b'{"keys":[{}]}', b'{"keys":[{"kty":"oct","k":"AA"}]}', b'{"keys":7}', b"\xff",
        b'{"keys":[{"kty":"OKP","crv":"X25519","x":"AA","iat":0,"usher_kind":"ticket"}]}',
        b'{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","iat":0,"usher_kind":"ticket"}]}',
        b'{"keys":[{"kty":"OKP","crv":"Ed25519","x":7,"iat":0,"usher_kind":"ticket"}]}',
    ],
)  # fmt: skip
def test_a_broken_key_file_says_so(directory, keyring, content):
    (directory / "ticket.jwks").write_bytes(content)
    with pytest.raises(KeyBrokenError):
        Keyring.load(directory)


def test_a_file_of_one_kind_is_not_taken_for_another(directory, keyring):
    (directory / "ticket.jwks").write_bytes((directory / "session.jwks").read_bytes())
    with pytest.raises(KeyBrokenError):
        Keyring.load(directory)


def test_the_published_set_has_no_private_part_and_any_library_verifies_with_it(keyring, now):
    published = keyring.jwks(now)
    assert all(
        "d" not in jwk and jwk["use"] == "sig" and jwk["usher_kind"] in set(KeyKind) for jwk in published["keys"]
    )
    token = keyring.signer(KeyKind.TICKET).sign({"exp": 2**31})
    with pytest.warns(match="EdDSA is deprecated"):  # joserfc's own algorithm, not ours
        verified = jws.deserialize_compact(token, KeySet.import_key_set(published), algorithms=["EdDSA"])
    assert orjson.loads(verified.payload) == {"iss": "https://usher.example", "aud": "ticket", "exp": 2**31}


def test_a_key_is_named_by_its_rfc_7638_thumbprint(keyring, now):
    for jwk in keyring.jwks(now)["keys"]:
        plain = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": jwk["x"]})
        assert jwk["kid"] == plain.thumbprint()


def test_the_thumbprint_is_rfc_8037s_own_example():
    """RFC 8037, appendix A.3."""
    key = our_jws.Ed25519Key.import_key(
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    )
    assert key.thumbprint() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_signature_is_rfc_8037s_own_example():
    """RFC 8037, appendix A.4: the same key and payload, through the algorithm that signs our tokens."""
    key = our_jws.Ed25519Key.import_key(
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }
    )
    token = jws.serialize_compact({"alg": "EdDSA"}, b"Example of Ed25519 signing", key, registry=our_jws._REGISTRY)
    assert token == (
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )


def test_rotation_signs_anew_and_still_verifies_the_old_until_its_time(directory, keyring, now):
    until = now + timedelta(days=30)
    old = keyring.signer(KeyKind.TICKET).sign({"exp": int(until.timestamp())})
    rotated = keyring.rotate(KeyKind.TICKET, now=now, until=until)
    new = rotated.signer(KeyKind.TICKET).sign({"exp": int(until.timestamp())})
    assert rotated.signer(KeyKind.TICKET).stored.kid != keyring.signer(KeyKind.TICKET).stored.kid
    for token in (old, new):
        assert not isinstance(rotated.verify(KeyKind.TICKET, token, now=until - timedelta(seconds=1)), Refused)
    ever = rotated.signer(KeyKind.TICKET).sign({"exp": 2**33})
    after = until + timedelta(seconds=1)
    assert rotated.verify(KeyKind.TICKET, old, now=after) == Refused(fault=TokenFault.UNKNOWN_KEY)
    assert not isinstance(rotated.verify(KeyKind.TICKET, ever, now=after), Refused)
    assert (len(rotated.jwks(now)["keys"]), len(rotated.jwks(after)["keys"])) == (4, 3)
    assert [jwk.get("exp") for jwk in rotated.jwks(now)["keys"]].count(int(until.timestamp())) == 1


def test_a_retired_keys_private_half_leaves_the_disk(directory, keyring, now):
    keyring.rotate(KeyKind.SESSION, now=now, until=now + timedelta(minutes=5))
    stored = orjson.loads((directory / "session.jwks").read_bytes())["keys"]
    assert ["d" in jwk for jwk in stored] == [True, False]
    assert mode(directory / "session.jwks") == 0o600
    assert sorted(path.name for path in directory.iterdir()) == sorted(f"{kind}.jwks" for kind in KeyKind)


def test_a_key_whose_time_is_over_is_dropped_at_the_next_rotation(directory, keyring, now):
    first = keyring.rotate(KeyKind.SESSION, now=now, until=now + timedelta(minutes=5))
    second = first.rotate(KeyKind.SESSION, now=now + timedelta(hours=1), until=now + timedelta(hours=2))
    assert len(second.keys[KeyKind.SESSION]) == 2


def test_public_halves_suffice_to_verify(directory, keyring, now):
    token = keyring.signer(KeyKind.TICKET).sign({"exp": 2**33})
    public = [jwk for jwk in keyring.jwks(now)["keys"] if jwk["usher_kind"] == "ticket"]
    (directory / "ticket.jwks").write_bytes(orjson.dumps({"keys": public}))
    gate = Keyring.load(directory)
    assert not isinstance(gate.verify(KeyKind.TICKET, token, now=now), Refused)
    with pytest.raises(KeysMissingError, match="ticket"):
        gate.signer(KeyKind.TICKET)


def test_a_stored_key_shows_no_secret(keyring):
    stored = keyring.signer(KeyKind.SESSION).stored
    secret = stored.key.as_dict(private=True)["d"]
    assert secret not in repr(stored)
    assert secret not in repr(keyring.signer(KeyKind.SESSION))
    assert key_files.public_jwk(stored).keys().isdisjoint({"d"})
