"""What one node shows of the chain: all of it, less than that, or one that others have left."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chains.hive import amounts
from chains.hive.amounts import HBD, HIVE, VESTS, Amount
from chains.hive.operations import Operation
from tests.nodes.hive import spelling
from tests.nodes.hive.chain import Block, Emulation, Virtual

NOT_IN_A_TRANSACTION = 2**32 - 1
NO_TRANSACTION = "00" * 20
_VIRTUAL_FLAG = 1 << 63
_MASKS = (
    "fill_convert_request", "author_reward", "curation_reward", "comment_reward", "liquidity_reward", "interest",
    "fill_vesting_withdraw", "fill_order", "shutdown_witness", "fill_transfer_from_savings", "hardfork",
    "comment_payout_update", "return_vesting_delegation", "comment_benefactor_reward", "producer_reward",
    "clear_null_account_balance", "proposal_pay", "dhf_funding", "hardfork_hive", "hardfork_hive_restore",
    "delayed_voting", "consolidate_treasury_balance", "effective_comment_vote", "ineffective_delete_comment",
    "dhf_conversion", "expired_account_notification", "changed_recovery_account", "transfer_to_vesting_completed",
    "pow_reward", "vesting_shares_split", "account_created", "fill_collateralized_convert_request", "system_warning",
    "fill_recurrent_transfer", "failed_recurrent_transfer",
)  # fmt: skip
"""Bits of `enum_vops_filter`, from the lowest on."""


@dataclass(frozen=True)
class View:
    """Some blocks of the chain, from the very beginning on."""

    chain: Emulation
    blocks: Sequence[Block]

    @property
    def head(self) -> Block:
        return self.blocks[-1]

    def block(self, number: int) -> Block | None:
        return self.blocks[number] if 0 < number < len(self.blocks) else None

    # --- the chain's properties ----------------------------------------------------------------------------------

    def properties(self, *, modern: bool) -> dict[str, Any]:
        head = self.head
        return {
            "id": 0,
            "head_block_number": head.number,
            "head_block_id": head.identity,
            "time": text_of(head.time),
            "current_witness": head.header.get("witness", "initminer"),
            "last_irreversible_block_num": head.irreversible,
            "hbd_interest_rate": 1000,
            "hbd_print_rate": 10000,
            "maximum_block_size": 65536,
            "current_aslot": head.number,
            "participation_count": 128,
            "recent_slots_filled": str(2**128 - 1),
            "required_actions_partition_percent": 0,
            **{
                name: self.amount(Amount(nai=nai, units=units), modern=modern)
                for name, nai, units in (
                    ("current_supply", HIVE, 10**12),
                    ("virtual_supply", HIVE, 10**12),
                    ("current_hbd_supply", HBD, 10**12),
                    ("total_vesting_fund_hive", HIVE, 10**11),
                    ("total_vesting_shares", VESTS, 10**17),
                    ("total_reward_fund_hive", HIVE, 0),
                    ("pending_rewarded_vesting_shares", VESTS, 10**12),
                    ("pending_rewarded_vesting_hive", HIVE, 10**6),
                )
            },
        }

    def configuration(self) -> dict[str, Any]:
        """Return what beem tells the chain by: symbols with `decimals`, or it would sign with an older chain's id."""
        return {
            "IS_TEST_NET": self.chain.symbols_of_test,
            "HIVE_CHAIN_ID": self.chain.chain_id,
            "HIVE_BLOCKCHAIN_VERSION": self.chain.hardfork,
            "HIVE_ADDRESS_PREFIX": self.chain.prefix,
            "HIVE_BLOCK_INTERVAL": self.chain.block_seconds,
            "HIVE_MAX_MEMO_SIZE": 2048,
            "HIVE_MAX_WITNESSES": 21,
            "HIVE_100_PERCENT": 10000,
            "HIVE_1_PERCENT": 100,
            "HIVE_SYMBOL": {"nai": HIVE, "decimals": 3},
            "HBD_SYMBOL": {"nai": HBD, "decimals": 3},
            "VESTS_SYMBOL": {"nai": VESTS, "decimals": 6},
        }

    def amount(self, amount: Amount, *, modern: bool) -> Any:
        return amounts.as_object(amount) if modern else amounts.spoken(amount, test=self.chain.symbols_of_test)

    # --- accounts ------------------------------------------------------------------------------------------------

    def account(self, name: str, *, modern: bool) -> dict[str, Any] | None:
        account = self.head.state.accounts.get(name)
        if account is None:
            return None
        nothing = {nai: self.amount(Amount(nai=nai, units=0), modern=modern) for nai in (HIVE, HBD, VESTS)}

        def told(units: int, nai: str) -> Any:
            return self.amount(Amount(nai=nai, units=units), modern=modern)

        return {
            "id": list(self.head.state.accounts).index(name),
            "name": name,
            "owner": account.owner.as_json(),
            "active": account.active.as_json(),
            "posting": account.posting.as_json(),
            "memo_key": account.memo_key,
            "json_metadata": account.json_metadata,
            "posting_json_metadata": account.posting_json_metadata,
            "proxy": "",
            "last_owner_update": text_of(account.last_owner_update),
            "last_account_update": text_of(account.created),
            "created": text_of(account.created),
            "mined": False,
            "recovery_account": account.recovery,
            "can_vote": True,
            "voting_manabar": {"current_mana": "0", "last_update_time": account.created},
            "downvote_manabar": {"current_mana": "0", "last_update_time": account.created},
            "balance": told(account.liquid[HIVE], HIVE),
            "hbd_balance": told(account.liquid[HBD], HBD),
            "savings_balance": told(account.savings[HIVE], HIVE),
            "savings_hbd_balance": told(account.savings[HBD], HBD),
            "reward_hive_balance": nothing[HIVE],
            "reward_hbd_balance": nothing[HBD],
            "vesting_shares": told(account.liquid[VESTS], VESTS),
            "delegated_vesting_shares": nothing[VESTS],
            "received_vesting_shares": nothing[VESTS],
            "vesting_withdraw_rate": nothing[VESTS],
            "reward_vesting_balance": nothing[VESTS],
            "pending_claimed_accounts": account.claimed,
        }

    def accounts_of_key(self, key: str) -> list[str]:
        return sorted(
            account.name
            for account in self.head.state.accounts.values()
            if any(
                key == held
                for part in (account.owner, account.active, account.posting)
                for held, _ in part.key_auths
            )
        )  # fmt: skip

    # --- blocks and operations -----------------------------------------------------------------------------------

    def condenser_block(self, block: Block) -> dict[str, Any]:
        told = dict(block.modern)
        told["transactions"] = [self.transaction(block, place) for place in range(len(block.transactions))]
        return told

    def transaction(self, block: Block, place: int, *, modern: bool = False) -> dict[str, Any]:
        """Return a transaction with where it stands, as get_transaction tells it."""
        one = block.transactions[place]
        operations = one.raw["operations"] if modern else [self.older(operation) for operation in one.operations]
        where = {"transaction_id": one.txid, "block_num": block.number, "transaction_num": place}
        return {**one.raw, "operations": operations, **where}

    def older(self, operation: Operation) -> list[Any]:
        return spelling.condenser(operation, test=self.chain.symbols_of_test)

    def find(self, txid: str) -> tuple[Block, int] | None:
        return next(
            (
                (block, place)
                for block in reversed(self.blocks)
                for place, one in enumerate(block.transactions)
                if one.txid == txid
            ),
            None,
        )

    def operations(self, block: Block, *, virtual: bool, modern: bool) -> list[dict[str, Any]]:
        """Return a block's operations as the account history tells them, in order."""
        told: list[dict[str, Any]] = []
        for place, one in enumerate(block.transactions):
            if not virtual:
                told += [
                    self._told(block, operation, place, ordinal, len(told), own=False, modern=modern)
                    for ordinal, operation in enumerate(one.operations)
                ]
            told += [self._virtual(block, one, len(told), modern=modern) for one in block.virtual
                     if one.transaction == place]  # fmt: skip
        return told + [
            self._virtual(block, one, len(told) + ordinal, modern=modern)
            for ordinal, one in enumerate(one for one in block.virtual if one.transaction is None)
        ]

    def history(self, name: str, *, modern: bool) -> list[tuple[int, dict[str, Any]]]:
        """Return an account's history; its first entry is the account's making."""
        made = Operation(name="account_created", value={"new_account_name": name, "creator": "initminer"})
        told = [self._told(self.blocks[0], made, None, 1, 0, own=True, modern=modern)]
        for block in self.blocks[1:]:
            for one in self.operations(block, virtual=False, modern=modern):
                value = one["op"]["value"] if modern else one["op"][1]
                if name in _impacted(value):
                    told.append(one)
        return list(enumerate(told))

    def enumerate_virtual(
        self, first: int, end: int, *, mask: int | None, resume: int, limit: int, reversible: bool
    ) -> dict[str, Any]:
        wanted = None if mask is None else {name for bit, name in enumerate(_MASKS) if mask >> bit & 1}
        last = end - 1 if reversible else min(end - 1, self.head.irreversible)
        found = [
            one
            for block in self.blocks[max(first, 1) : last + 1]
            for one in self.operations(block, virtual=True, modern=True)
            if wanted is None or one["op"]["type"].removesuffix("_operation") in wanted
        ]
        found = [one for one in found if one["block"] > first or one["operation_id"] >= resume]
        more = found[limit] if len(found) > limit else None
        return {
            "ops": found[:limit],
            "ops_by_block": [],
            "next_block_range_begin": more["block"] if more else min(last + 1, end) if last < self.head.number else 0,
            "next_operation_begin": more["operation_id"] if more else 0,
        }

    def _virtual(self, block: Block, one: Virtual, ordinal: int, *, modern: bool) -> dict[str, Any]:
        return self._told(block, one.operation, one.transaction, one.place, ordinal, own=True, modern=modern)

    def _told(
        self, block: Block, operation: Operation, transaction: int | None, place: int, ordinal: int, *, own: bool,
        modern: bool,
    ) -> dict[str, Any]:  # fmt: skip
        shown: Any = {"type": f"{operation.name}_operation", "value": dict(operation.value)}
        return {
            "trx_id": NO_TRANSACTION if transaction is None else block.transactions[transaction].txid,
            "block": block.number,
            "trx_in_block": NOT_IN_A_TRANSACTION if transaction is None else transaction,
            "op_in_trx": place,
            "virtual_op": own,
            "timestamp": text_of(block.time),
            "op": shown if modern else self.older(operation),
            "operation_id": (block.number << 32 | ordinal) + (_VIRTUAL_FLAG if own else 0) if own else 0,
        }


def _impacted(value: Any) -> Iterator[str]:
    names = ("from", "to", "account", "creator", "new_account_name", "producer", "voter", "author")
    yield from (value[name] for name in names if isinstance(value.get(name), str))
    for group in ("required_auths", "required_posting_auths"):
        yield from value.get(group, ())


def text_of(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).replace(tzinfo=None).isoformat()
