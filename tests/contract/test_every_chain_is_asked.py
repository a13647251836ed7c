"""Nothing is left out of the contract suite: each story is told of each of the seven chains, and a chain or a family
without a fixture fails. What a chain cannot have is written down here a second time, in the mission's own words.
"""

import subprocess
import sys
from collections import defaultdict

import pytest

from chains.catalogue import FAMILIES
from config.loader import load_entries
from config.registry import Network
from tests.contract import test_chain_source, test_chain_story
from tests.support.chains_drivers import DRIVERS
from tests.support.programs import ROOT
from tests.support.stages import STAGES

SEVEN = {"ethereum", "polygon", "bnb", "bitcoin", "solana", "hive", "monero"}
STORIES = {  # and on which chains there is no such thing
    "a_memo_buys_its_wallet_a_ticket": {"monero"},  # no text travels along
    "an_order_is_paid_by_its_own_key_or_code_without_an_event_memo": set(),
    "an_order_is_paid_on_postgresql_as_well": set(),
    "two_payments_in_one_transaction_are_two_payments": set(),
    "money_with_a_text_that_says_nothing_is_owed_back": set(),
    "a_short_payment_waits_for_the_rest": set(),
    "a_payment_that_a_reorg_takes_before_it_is_deep_enough_buys_nothing": set(),
    "a_ticket_is_suspended_with_its_payment_and_valid_again_when_it_returns": {"solana", "hive"},  # mint what is final
    "a_reorg_below_finality_stops_the_chain_until_the_operator_has_looked": set(),
    "a_payment_that_another_transaction_replaced_buys_nothing": {"hive"},  # no nonce, no coin: nothing takes its place
    "nothing_is_lost_while_the_node_is_away_for_a_minute": set(),
    "a_node_may_be_restarted_under_a_payment": set(),
    "a_watcher_killed_in_mid_batch_ends_in_the_same_book": set(),
    "a_thousand_blocks_are_caught_up_with": set(),
    "the_same_history_gives_the_same_book_twice": set(),
}


@pytest.fixture(scope="module")
def collected():
    """By test, the chains of which it is asked."""
    suite = [f"tests/contract/test_chain_{name}.py" for name in ("source", "story", "story_crash")]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *suite]
    told = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    asked = defaultdict(set)
    for line in told.splitlines():
        test, _, parameters = line.partition("::")[2].removesuffix("]").partition("[")
        asked[test.removeprefix("test_")] |= SEVEN & set(parameters.split("-"))
    return asked


@pytest.mark.parametrize("story", STORIES)
def test_a_story_is_told_of_every_chain_that_can_have_it(collected, story):
    assert collected[story] == SEVEN - STORIES[story]


def test_what_the_port_requires_is_asked_of_every_chain_but_for_what_it_cannot_have(collected):
    left_out = {test: SEVEN - chains for test, chains in collected.items() if chains and test not in STORIES}
    assert {test: chains for test, chains in left_out.items() if chains} == {
        "a_replaced_transaction_is_gone_and_never_final": {"hive"},
        "a_payment_that_is_another_in_its_new_block_is_gone_and_seen_anew": {"bitcoin", "monero"},
    }


def test_every_main_network_of_the_registry_has_a_driver_and_a_stage():
    main = {entry.alias for entry in load_entries().values() if entry.network is Network.MAIN}
    assert main >= SEVEN
    assert main <= DRIVERS.keys() & STAGES.keys()


def test_an_adapter_without_a_fixture_would_fail_the_suite(monkeypatch):
    monkeypatch.setitem(FAMILIES, "cardano", next(iter(FAMILIES.values())))
    with pytest.raises(AssertionError, match="cardano"):
        test_chain_source.test_every_family_in_the_catalogue_has_a_driver_here()


@pytest.mark.parametrize("chain", sorted(SEVEN))
def test_a_chain_whose_stage_is_taken_away_would_fail_the_suite(monkeypatch, chain):
    monkeypatch.delitem(STAGES, chain)
    with pytest.raises(AssertionError):
        test_chain_story.test_every_chain_with_a_driver_has_a_stage()
