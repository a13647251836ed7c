"""Verifications per second of every scheme, from what a page sends to the verdict, against the bare primitive and what
others would use; all on the same texts, keys and core.

    python -m bench.verify [--families evm hive] [--json]

Each call has another text and wallet than the last ones, so that nothing is measured that was only remembered.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping

from bench.contest import Contest, held
from bench.report import report
from bench.signatures import bitcoin, evm, hive, monero, solana

FAMILIES: Mapping[str, Callable[[], Iterator[Contest]]] = {
    "evm": evm.contests,
    "bitcoin": bitcoin.contests,
    "solana": solana.contests,
    "hive": hive.contests,
    "monero": monero.contests,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=[*FAMILIES])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report(held(contest for family in options.families for contest in FAMILIES[family]()), as_json=options.json)
