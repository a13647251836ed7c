"""From the raw bytes that a node sends to the payments in them, in transactions per second, against what parses the
same bytes and does nothing with them.

    python -m bench.parse_blocks [--families evm bitcoin] [--json]

Ours includes every check: hashes, roots, signatures where they are there. Unless a name says otherwise nobody pays us:
what is measured is what every foreign block costs.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping

from bench.blocks import bitcoin, evm, hive, monero, solana
from bench.contest import Contest, held
from bench.report import report

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
