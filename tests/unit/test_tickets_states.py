"""The state tables are whole, every state can be reached, and docs/states.md shows them as they are."""

from pathlib import Path

import pytest

from tickets.addresses import ADDRESS_STATES
from tickets.errors import IllegalMoveError
from tickets.order import HOLDS, TRANSITIONS, OrderState
from tickets.states import StateTable
from tickets.ticket import TICKET_STATES, TicketState
from tickets.till import PAYMENT_STATES

TABLES = (TRANSITIONS, HOLDS, PAYMENT_STATES, TICKET_STATES, ADDRESS_STATES)
PAGE = Path(__file__).parents[2] / "docs" / "states.md"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_state_has_a_row_and_can_be_reached(table: StateTable):
    kind = type(table.initial[0])
    assert set(table.moves) == set(kind)
    reached = set(table.initial)
    for _ in kind:
        reached |= {new for old in reached for new in table.moves[old]}
    assert reached == set(kind)
    assert all(occasion for following in table.moves.values() for occasion in following.values())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_page_shows_the_table_as_it_is(table: StateTable):
    assert f"```mermaid\n{table.mermaid()}\n```" in PAGE.read_text(), f"draw {table.name} anew: {table.mermaid()}"


def test_a_move_that_is_not_in_the_table_is_an_error_that_names_it():
    TRANSITIONS.check(OrderState.OPEN, OrderState.PAID)
    with pytest.raises(IllegalMoveError, match="order: paid -> open"):
        TRANSITIONS.check(OrderState.PAID, OrderState.OPEN)


def test_a_conditional_write_asks_for_the_states_before():
    assert TICKET_STATES.before(TicketState.VALID) == (TicketState.SUSPENDED,)
    assert set(TICKET_STATES.before(TicketState.REVOKED)) == {TicketState.VALID, TicketState.SUSPENDED}
