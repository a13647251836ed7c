"""From the raw bytes that a node sends to the payments in them, in transactions per second, against what parses the
same bytes and does nothing with them.

    python -m bench.parse_blocks [--families evm bitcoin] [--json]

Ours includes every check: hashes, roots, signatures where they are there. Unless a name says otherwise nobody pays us:
what is measured is what every foreign block costs.
"""

from collections.abc import Mapping

from bench.blocks import bitcoin, evm, hive, monero, solana
from bench.contest import Contests, hold_families

FAMILIES: Mapping[str, Contests] = {
    "evm": evm.contests,
    "bitcoin": bitcoin.contests,
    "solana": solana.contests,
    "hive": hive.contests,
    "monero": monero.contests,
}

if __name__ == "__main__":
    hold_families(FAMILIES, about=__doc__)
