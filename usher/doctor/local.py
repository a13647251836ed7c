"""What can be seen on this machine: database, keys, permissions, and settings that are allowed but unwise."""

import stat
from pathlib import Path
from urllib.parse import urlsplit

from chains.catalogue import finds_by_reference
from config.gate_secret import GateSecretError, load_gate_secret
from config.registry import Chain, Network
from config.settings import Settings
from store import revision
from store.errors import StoreError
from tickets.keys import KeyFileError, Keyring
from usher.addresses import AddressSettingError, deriving, receive_of
from usher.doctor.finding import Finding, failed, ok, warning


def database(settings: Settings) -> Finding:
    """Say whether the database answers and is at this program's revision."""
    try:
        with revision.engine_at(settings.database.url) as engine:
            return ok("database", f"{engine.dialect.name} at revision {revision.check(engine)}")
    except StoreError as error:
        return failed("database", str(error))


def keys(settings: Settings) -> Finding:
    """Say whether the signing keys and the gate's secret are there and closed to others."""
    directory = settings.keys.directory
    try:
        keyring = Keyring.load(directory)
        load_gate_secret(directory)
    except (KeyFileError, GateSecretError) as error:
        return failed("keys", str(error))
    return ok("keys", f"{sum(map(len, keyring.keys.values()))} keys in {directory}, closed to others")


def settings_file(file: Path) -> Finding:
    """Say whether the settings, which hold secrets, are closed to others."""
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        return failed("settings", f"{file} is open to others (mode {mode:04o}): chmod 600 {file}")
    return ok("settings", str(file))


def addresses(settings: Settings) -> list[Finding]:
    """Say where each chain's money arrives and what orders get, to be held against the wallet's own screen."""
    return [_addresses_on(settings, chain) for chain in settings.registry().chains.values()]


def _addresses_on(settings: Settings, chain: Chain) -> Finding:
    subject = f"{chain.name} addresses"
    try:
        receive, derive = receive_of(settings, chain), deriving(settings, chain)
    except (AddressSettingError, GateSecretError) as error:
        return failed(subject, str(error))
    if derive is None:
        return ok(subject, f"all money to {receive}; orders are told apart by the memo")
    [first] = derive(0, 1)
    what = "references beside the payment" if finds_by_reference(chain.family) else "addresses of their own"
    return ok(subject, f"money without a link to {receive}; orders get {what}, the first {first}")


def unwise(settings: Settings) -> list[Finding]:
    """Name settings that open a door wider than need be."""
    findings = []
    if settings.gate.timestamp_form:
        findings.append(
            warning(
                "timestamp form",
                "gate.timestamp_form is on: `Access event <id> at <timestamp>` names no domain, so another page can "
                "have it signed and enter within five minutes. Switch it off once no page of yours sends it",
            )
        )
    if settings.network is Network.MAIN and not settings.gate.public_url.startswith("https:"):
        findings.append(warning("public url", "gate.public_url is not https: tokens and proofs travel in the open"))
    if settings.gate.public_url.startswith("https:") and not settings.gate.trusted_proxies:
        findings.append(
            warning(
                "proxies",
                "gate.public_url is https, so a proxy stands before the gate, and gate.trusted_proxies is empty: all "
                "visitors count as one client and share its limits. Name the proxy's address there",
            )
        )
    findings += [
        warning(
            "origins",
            f"{origin} is in gate.origins and {host} not in platform.domains: its page may use the API, and every "
            "signature it asks for is refused unless an event lists it. Add the domain if its wallets are to sign",
        )
        for origin in settings.gate.origins
        if (host := urlsplit(origin).netloc) not in settings.platform.domains
    ]
    if settings.turn is None:
        findings.append(warning("turn", "no [turn] section: visitors behind strict firewalls will not see each other"))
    return findings
