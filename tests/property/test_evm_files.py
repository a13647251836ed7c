"""Any JSON in the place of a block and its receipts is inspected or distrusted, and any answer about one account is a
balance or distrusted; what is told of payments can be shown, and nobody is told of one that the files do not hold.
"""

import json
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from chains.distrust import Distrusted
from chains.evm.address import display
from chains.evm.holdings import Holding, answered, told_singly
from chains.evm.inspection import inspect
from chains.evm.parse import check_block, check_execution, payments_alone, spent_in
from chains.inspection import Given, Inspected
from chains.port import Watch
from config.registry import Chain
from tests.property.test_evm_parse_answers import COIN, OURS, RAW, RECEIPT, TXID, US, broken, values
from tests.support.chains_drivers import evm_chain, with_token

CHAIN: Chain = replace(with_token(evm_chain(1), COIN), checked_headers=False)
SENT = RAW["transactions"][0]
WATCH = Watch(active=frozenset({display(bytes.fromhex(US[2:]))}))
BLOCKS = st.just(RAW) | broken(RAW) | values
RECEIPTS = st.just([RECEIPT]) | broken([RECEIPT]) | values


@settings(max_examples=300)
@given(block=BLOCKS, receipts=RECEIPTS)
@example(block=RAW, receipts=[RECEIPT])
def test_any_files_are_inspected_or_distrusted(block, receipts):
    for told in (None, receipts):
        found = inspect(Given(block=block, receipts=told), CHAIN, WATCH)
        if isinstance(found, Distrusted):
            assert found.reason
            continue
        assert isinstance(found, Inspected)
        for payment in found.payments:
            assert payment.destination.lower() == US
            assert 0 < payment.amount < 2**256
            assert json.dumps([payment.key.txid, payment.sender, payment.memos, payment.block.time.isoformat()])


@settings(max_examples=300)
@given(transaction=st.just(SENT) | broken(SENT) | values, receipt=st.just(RECEIPT) | broken(RECEIPT) | values)
@example(transaction=SENT, receipt=RECEIPT)
def test_any_transaction_alone_is_inspected_or_distrusted_and_stands_in_no_block(transaction, receipt):
    for told in (None, receipt):
        found = payments_alone(transaction, told, OURS)
        if isinstance(found, Distrusted):
            assert found.reason
            continue
        for payment in found:
            assert (payment.destination.lower(), payment.block) == (US, None)
            assert 0 < payment.amount < 2**256


def test_the_good_transaction_alone_has_both_payments():
    assert [payment.amount for payment in payments_alone(SENT, RECEIPT, OURS)] == [5, 9]


def test_the_good_files_have_both_payments():
    found = inspect(Given(block=RAW, receipts=[RECEIPT]), CHAIN, WATCH)
    assert [payment.amount for payment in found.payments] == [5, 9]


@given(block=st.just(RAW) | broken(RAW), receipt=st.just(RECEIPT) | broken(RECEIPT))
def test_what_our_own_transactions_cost_is_whole_or_distrusted(block, receipt):
    checked = check_block(block, recompute=False)
    if isinstance(checked, Distrusted):
        return
    execution = check_execution(checked, TXID, receipt, OURS)
    if isinstance(execution, Distrusted):
        return
    spent = spent_in(checked, [execution], OURS)
    assert isinstance(spent, Distrusted) or all(cost >= 0 for _, cost in spent)


QUANTITIES = values | st.integers(0, 2**130).map(hex)


@given(balance=QUANTITIES, code=values | st.just("0x") | st.binary(max_size=8).map(lambda raw: f"0x{raw.hex()}"))
def test_any_two_answers_about_an_account_are_a_holding_or_distrusted(balance, code):
    held = told_singly(balance, code)
    assert isinstance(held, Distrusted) or (isinstance(held, Holding) and held.wei >= 0)


@given(answer=values | st.binary(max_size=120).map(lambda raw: f"0x{raw.hex()}"), height=st.integers(0, 2**40))
def test_any_answer_about_many_accounts_is_their_holdings_or_distrusted(answer, height):
    held = answered(answer, [US, COIN], height)
    assert isinstance(held, Distrusted) or held.keys() == {US, COIN}
