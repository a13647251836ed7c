"""Monero's answers as the tests hand them over, and addresses that monero-wallet-rpc made."""

import json
from pathlib import Path
from typing import Any

from chains.monero.parse import Ours, Transfer
from chains.port import Watch
from config.loader import load_registry
from config.registry import Chain

DATA = Path(__file__).parents[1] / "data" / "monero"

PRIMARY = "48dZLeGQMYGGoNyoyCqywe2sazqDk5t5FXny3FAV7F241bECXuMytNWKHrTpVu7cRFYwxEXWwaaXNFCLM2ChnutM5kxzVfo"
VIEW_KEY = "9384dbbc3755094d4214240ccc16c199c1a91da5e2249ee3639553d67f2d3f02"
SUBADDRESSES = (
    "82of6TqWmzg87sn6cJLs134xNYkAjknJXdsvn6afqMtJ8uBqSCaP2GcfZcUAsuCJobcHS4rPzURBaBWuQBcdPpbL78YEpkY",
    "86aACeV3vSUVpSorrYSeUpP9F54nWpFk6ZnxeyxA1XBMSKBTjTvsLDvTNqpBFiSrWrAmUThBSEz4hSTV8hkEoxf57uYj2B3",
    "85Cp3RyAmTmCFN5VpzEPDf7qZEgDRx9riEgnyJmXJ2LyCb7rqpiuXX4eD5RNfBfFNwjMkMDZZoXvzRw4McDsLoxJAroTeUb",
)
"""(0, 1) to (0, 3) of the wallet with these keys."""
OTHER_ACCOUNT = "87g3orVe19yLb5kFdHz8jsZHzFcveTVDELNrTPUANTmL5mdbXG2Kut1hRcL4JfDEhWBJky7tC5tUhJNgTQ9fT8X7VRu6rkh"
"""(1, 0) of the same wallet."""
TXID = "ab" * 32


def blocks() -> list[Any]:
    """Return answers of `get_block`: the genesis block, and some with 0, 1, 2, 3, 4 and 6 transactions."""
    return list(json.loads((DATA / "blocks.json").read_text()))


def transactions() -> Any:
    """Return an answer of `/get_transactions` with two transactions."""
    return json.loads((DATA / "transactions.json").read_text())


def entry(**changed: Any) -> dict[str, Any]:
    """Return an entry of `get_transfers`: 5 atomic units to subaddress (0, 1) in block 100."""
    told: dict[str, Any] = {
        "address": SUBADDRESSES[0],
        "amount": 5,
        "amounts": [5],
        "confirmations": 1,
        "double_spend_seen": False,
        "fee": 1000,
        "height": 100,
        "locked": True,
        "note": "",
        "payment_id": "0000000000000000",
        "subaddr_index": {"major": 0, "minor": 1},
        "subaddr_indices": [{"major": 0, "minor": 1}],
        "suggested_confirmations_threshold": 1,
        "timestamp": 1_795_191_717,
        "txid": TXID,
        "type": "in",
        "unlock_time": 0,
    }
    return told | changed


def transfer(**changed: Any) -> Transfer:
    """Return the same as it is read."""
    told = {"txid": TXID, "minor": 1, "address": SUBADDRESSES[0], "amount": 5, "height": 100}
    return Transfer(**(told | changed))


def regtest() -> Chain:
    """Return the shipped regtest."""
    chain = load_registry().chain("monero:regtest")
    assert chain is not None
    return chain


def ours(*more: str, **changed: Any) -> Ours:
    """Return what is ours where the primary address, the first three subaddresses and these are watched."""
    watch = Watch(active=frozenset((PRIMARY, *SUBADDRESSES, *more)))
    addresses = dict(enumerate((PRIMARY, *SUBADDRESSES)))
    return Ours(**({"chain": regtest(), "watch": watch, "addresses": addresses} | changed))
