"""Settings are read from file, credentials and environment; what cannot be is refused with its line and reason."""

import tomllib

import pytest

from config.deployment import agreement_thresholds
from config.lines import key_lines
from config.registry import Network
from config.settings import SettingsError, load_settings
from tests.support.config_files import RECEIVE, TEXT, XPRV, XPUB, load

DEV = "eip155:31337"


def refused(folder, text=TEXT, **environ):
    with pytest.raises(SettingsError) as raised:
        load(folder, text, **environ)
    return str(raised.value).replace(f"{folder}/", "")


def line_with(text, part):
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_right_file_is_read_and_its_paths_start_from_where_it_stands(tmp_path):
    settings = load(tmp_path)
    assert settings.network is Network.TEST
    assert settings.database.url == f"sqlite:///{tmp_path}/usher.db"
    assert settings.keys.directory == tmp_path / "keys"
    assert settings.chains[DEV].endpoints[0].url.get_secret_value().endswith("ENDPOINTKEY")
    assert settings.presence.public_url == "ws://localhost:8080"
    assert (settings.orders.hold_minutes, settings.platform.commission_bps, settings.turn.ttl_seconds) == (
        15,
        2000,
        600,
    )


def test_defaults_stand_in_the_units_state_directory(tmp_path):
    text = TEXT.replace('[database]\nurl = "sqlite:///usher.db"', "").replace('[keys]\ndirectory = "keys"', "")
    settings = load(tmp_path, text, STATE_DIRECTORY="/var/lib/usher:/var/lib/other")
    assert settings.database.url == "sqlite:////var/lib/usher/usher.db"
    assert str(settings.keys.directory) == "/var/lib/usher/keys"


@pytest.mark.parametrize(
    ("old", "new", "at", "reason"),
    [
        ("[platform]", "[platform]\ndomain = 1", "domain =", "platform.domain: is not a setting"),
        (DEV, "eip155:999", "eip155:999", "is a chain Usher does not know; it knows eip155:1, eip155:137"),
        (RECEIVE, RECEIVE.lower(), "receive", f"carries no EIP-55 checksum; if every digit is right, write {RECEIVE}"),
        (RECEIVE, RECEIVE.replace("C8", "c8"), "receive", "fails its EIP-55 checksum"),
        (RECEIVE, RECEIVE[:-1], "receive", "is not 0x and 40 hex digits"),
        ('network = "test"', 'network = "main"', DEV, "Local development chain is a test network"),
        (XPUB, XPRV, "xpub", "is a PRIVATE key"),
        (XPUB, XPUB[:-1] + "9", "xpub", "is not an extended public key"),
        ("ttl_seconds = 600", "ttl_seconds = 30", "ttl_seconds", "greater than or equal to 60"),
        ("ttl_seconds = 600", "ttl_seconds = 86400", "ttl_seconds", "less than or equal to 3600"),
        ('"turn-secret-of-the-tests"', '"short"', "secret", "turn.secret"),
        ("turn:turn.example", "https://turn.example", "uris", "is not a URI such as turn:"),
        ("sqlite:///usher.db", "mysql://u@h/d", "url", "is neither sqlite nor postgresql"),
        ("sqlite:///usher.db", "sqlite://", "url", "names no database"),
        ("tickets.example", "https://tickets.example/x", "domains", "is not a lower-case host[:port]"),
        ("http://127.0.0.1", "wss://127.0.0.1", "endpoints", "is not an http:// or https:// URL"),
        (f'receive = "{RECEIVE}"', f'receive = "{RECEIVE}"\nmint_steps = {{ DOGE = [] }}', "mint_steps", "is no asset"),
        (
            f'receive = "{RECEIVE}"',
            f'receive = "{RECEIVE}"\nagree_above = {{ ETH = "1.0000000000000000001" }}',
            DEV,
            "more than the asset's 18 decimals",
        ),
        (
            f'receive = "{RECEIVE}"',
            f'receive = "{RECEIVE}"\nagree_above = {{ ETH = "1" }}',
            "agree_above",
            "needs two endpoints that can agree",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_line_and_reason(tmp_path, old, new, at, reason):
    text = TEXT.replace(old, new)
    message = refused(tmp_path, text)
    assert message.startswith(f"usher.toml:{line_with(text, at)}: ")
    assert reason in message
    assert "\n" not in message


def test_a_main_network_may_name_no_tokens_of_its_own(tmp_path):
    text = TEXT.replace(DEV, "eip155:1").replace('"test"', '"main"') + (
        f'\n[chains."eip155:1".tokens]\nFAKE = {{ contract = "{RECEIVE}", decimals = 6 }}\n'
    )
    assert (
        f'usher.toml:{line_with(text, ".tokens]")}: chains."eip155:1".tokens: may be named on test networks only'
        in refused(tmp_path, text)
    )


def test_every_fault_is_told_at_once(tmp_path):
    text = TEXT.replace("ttl_seconds = 600", "ttl_seconds = 1").replace("domains", "domain")
    assert len(refused(tmp_path, text, USHER_GATE__PORT="99999999").splitlines()) == 4


def test_a_refusal_never_repeats_the_value(tmp_path):
    """A private key put into the wrong place must not reach a terminal's scrollback or a log."""
    for text in (TEXT.replace(XPUB, XPRV), TEXT.replace("http://", "ftp://"), TEXT.replace("600", '"hidden"')):
        message = refused(tmp_path, text)
        assert not any(secret in message for secret in (XPRV, "ENDPOINTKEY", "hidden", "turn-secret"))


def test_broken_toml_is_refused_with_its_line(tmp_path):
    assert "is not TOML" in refused(tmp_path, TEXT.replace("[turn]", "[turn"))
    assert f"line {line_with(TEXT, '[turn]')}" in refused(tmp_path, TEXT.replace("[turn]", "[turn"))


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(SettingsError, match="does not exist; `usher init` writes one"):
        load_settings(tmp_path / "usher.toml", {})


def test_the_environment_wins_over_the_credentials_and_both_over_the_file(tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "turn.secret").write_text("secret-from-a-credential\n")
    (credentials / "turn.realm").write_text("credential\n")
    (credentials / "chains.eip155_31337.endpoints").write_text("http://one:1\nhttp://two:2\n")
    (credentials / "keyring").write_text("somebody else's")
    settings = load(
        tmp_path,
        CREDENTIALS_DIRECTORY=str(credentials),
        USHER_TURN__REALM="environment",
        USHER_GATE__ORIGINS="https://a.example, https://b.example",
        USHER_CHAINS__EIP155_31337__ADDRESS_RANGE="7",
        USHER_NETWORK="test",
    )
    assert settings.turn.secret.get_secret_value() == "secret-from-a-credential"
    assert settings.turn.realm == "environment"
    assert settings.gate.origins == ("https://a.example", "https://b.example")
    chain = settings.chains[DEV]
    assert [endpoint.url.get_secret_value() for endpoint in chain.endpoints] == ["http://one:1", "http://two:2"]
    assert (chain.address_range, chain.receive) == (7, RECEIVE)


def test_a_fault_from_outside_the_file_names_the_variable_or_the_credential(tmp_path):
    (tmp_path / "turn.secret").write_text("short")
    message = refused(tmp_path, CREDENTIALS_DIRECTORY=str(tmp_path), USHER_GATE__PORT="x", USHER_GAT__PORT="1")
    assert "credential turn.secret: turn.secret: " in message
    assert "USHER_GATE__PORT: gate.port: " in message
    assert "USHER_GAT__PORT: gat.port: is not a setting" in message


def test_secrets_do_not_show_in_a_representation(tmp_path):
    shown = repr(load(tmp_path, USHER_DATABASE__URL="postgresql://usher:dbpassword@db/usher"))
    assert not any(secret in shown for secret in ("ENDPOINTKEY", "turn-secret", "dbpassword"))


def test_the_registry_of_a_deployment_has_its_own_depths_and_tokens(tmp_path):
    text = TEXT.replace(
        f'receive = "{RECEIVE}"',
        f'receive = "{RECEIVE}"\nfinality = {{ blocks = 3 }}\nagree_above = {{ USDC = "1000" }}\n'
        'mint_steps = { USDC = [{ up_to = "1.5", confirmations = 1 }, { confirmations = 4 }] }\n'
        f'tokens = {{ USDC = {{ contract = "{RECEIVE}", decimals = 6, dust = "0.01" }} }}',
    )
    settings = load(tmp_path, text.replace('endpoints = ["', 'endpoints = ["http://127.0.0.1:8546", "'))
    registry = settings.registry()
    assert set(registry.chains) == {DEV}
    chain = registry.chains[DEV]
    usdc = registry.by_payment_method("USDC")
    assert usdc.id == f"{DEV}/erc20:{RECEIVE.lower()}"
    assert registry.by_payment_method("usdc:dev") == registry.by_payment_method(usdc.id.upper()) == usdc
    assert (usdc.contract, usdc.dust, chain.finality.blocks) == (RECEIVE.lower(), 10_000, 3)
    assert [(step.up_to, step.confirmations) for step in chain.steps_for(usdc.id)] == [(1_500_000, 1), (None, 4)]
    assert agreement_thresholds(chain, settings.chains[DEV]) == {usdc.id: 1_000_000_000}


def test_each_key_is_found_on_its_line():
    text = (
        'a = 1\n[b]\nc = [\n  1,\n  2,\n]\n"d.e" = {f = 1}\n\n[[g]]\nh = 1\n[[g]]\nh = """\n[x]\n"""\n[g.i]\nj.k = 3\n'
    )
    lines = key_lines(text)
    assert tomllib.loads(text)["g"][1]["i"]["j"]["k"] == 3
    assert lines["a",] == 1
    assert lines["b", "c"] == 3
    assert lines["b", "d.e", "f"] == 7
    assert lines["g", 0, "h"] == 10
    assert lines["g", 1, "h"] == 12
    assert lines["g", 1, "i", "j", "k"] == 16
    assert ("x",) not in lines
