"""Verifications per second of every scheme, from what a page sends to the verdict, against the bare primitive and what
others would use; all on the same texts, keys and core.

    python -m bench.verify [--families evm hive] [--json]

Each call has another text and wallet than the last ones, so that nothing is measured that was only remembered. Where a
signature does not say what was signed (a text or its typed data, one of Solana's layouts) or whose it is (multisig),
more than one primitive stands between it and a verdict: the limit that has an aim does all of them, and what a single
one takes is told beside it.
"""

from collections.abc import Mapping

from bench.contest import Contests, hold_families
from bench.signatures import bitcoin, evm, hive, monero, solana

FAMILIES: Mapping[str, Contests] = {
    "evm": evm.contests,
    "bitcoin": bitcoin.contests,
    "solana": solana.contests,
    "hive": hive.contests,
    "monero": monero.contests,
}

if __name__ == "__main__":
    hold_families(FAMILIES, about=__doc__)
