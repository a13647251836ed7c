"""An account's own keys out of a node's answer. Account authorities are left out: none of them opens a door. Pure."""

from typing import Any

from chains.distrust import Distrusted
from chains.hive import keys
from chains.hive.digest import SHAPES
from verifier.port import Authority, KeyAuthorities


def of_account(answer: Any, name: str) -> KeyAuthorities | Distrusted | None:
    """Read the answer of database_api.find_accounts; None where there is no such account."""
    try:
        found = answer["accounts"]
        if len(found) == 0:
            return None
        [account] = found
        if account["name"] != name:
            return Distrusted(reason="the answer is about another account")
        return KeyAuthorities(posting=_authority(account["posting"]), active=_authority(account["active"]))
    except SHAPES as error:
        return Distrusted(reason=f"an account of another shape ({type(error).__name__})")


def _authority(raw: Any) -> Authority:
    """Read an authority. Raises one of SHAPES."""
    weights: dict[bytes, int] = {}
    for text, weight in raw["key_auths"]:
        key = keys.public_key(text)
        if key is None or key in weights:
            raise ValueError("no public key, or the same twice")
        weights[key] = _count(weight)
    return Authority(threshold=_count(raw["weight_threshold"]), keys=weights)


def _count(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise ValueError("no count")
    return number
