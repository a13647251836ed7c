"""Every operation that a transaction can hold, with its number and its fields in the order of their bytes. Pure.

By `operations.hpp` and the reflections of hived 1.28. Mining (`pow`, `pow2`) and reports of over-production ended long
before anything was sold here, and are left out.
"""

from collections.abc import Mapping
from types import MappingProxyType

from chains.hive.binary import (
    EXTENSIONS,
    Write,
    asset,
    boolean,
    hexadecimal,
    i16,
    i64,
    key,
    legacy_asset,
    nothing,
    optional,
    pairs,
    record,
    several,
    text,
    time,
    u8,
    u16,
    u32,
    variant,
)

_AUTHORITY = record({"weight_threshold": u32, "account_auths": pairs(text, u16), "key_auths": pairs(key, u16)})
_PRICE = record({"base": asset, "quote": asset})
_PROPERTIES = record({"account_creation_fee": legacy_asset, "maximum_block_size": u32, "hbd_interest_rate": u16})
_BENEFICIARIES = record({"beneficiaries": several(record({"account": text, "weight": u16}))})
_PAIR_ID = variant((("void_t", nothing), ("recurrent_transfer_pair_id", record({"pair_id": u8}))))
_END_DATE = variant((("void_t", nothing), ("update_proposal_end_date", record({"end_date": time}))))
_KEYS = {"owner": _AUTHORITY, "active": _AUTHORITY, "posting": _AUTHORITY, "memo_key": key}
_NEW_KEYS = {name: optional(_AUTHORITY) for name in ("owner", "active", "posting")}

_FIELDS: Mapping[tuple[int, str], Mapping[str, Write]] = {
    (0, "vote"): {"voter": text, "author": text, "permlink": text, "weight": i16},
    (1, "comment"): {
        "parent_author": text, "parent_permlink": text, "author": text, "permlink": text,
        "title": text, "body": text, "json_metadata": text,
    },
    (2, "transfer"): {"from": text, "to": text, "amount": asset, "memo": text},
    (3, "transfer_to_vesting"): {"from": text, "to": text, "amount": asset},
    (4, "withdraw_vesting"): {"account": text, "vesting_shares": asset},
    (5, "limit_order_create"): {
        "owner": text, "orderid": u32, "amount_to_sell": asset, "min_to_receive": asset,
        "fill_or_kill": boolean, "expiration": time,
    },
    (6, "limit_order_cancel"): {"owner": text, "orderid": u32},
    (7, "feed_publish"): {"publisher": text, "exchange_rate": _PRICE},
    (8, "convert"): {"owner": text, "requestid": u32, "amount": asset},
    (9, "account_create"): {
        "fee": asset, "creator": text, "new_account_name": text, **_KEYS, "json_metadata": text,
    },
    (10, "account_update"): {"account": text, **_NEW_KEYS, "memo_key": key, "json_metadata": text},
    (11, "witness_update"): {"owner": text, "url": text, "block_signing_key": key, "props": _PROPERTIES, "fee": asset},
    (12, "account_witness_vote"): {"account": text, "witness": text, "approve": boolean},
    (13, "account_witness_proxy"): {"account": text, "proxy": text},
    (15, "custom"): {"required_auths": several(text), "id": u16, "data": hexadecimal},
    (17, "delete_comment"): {"author": text, "permlink": text},
    (18, "custom_json"): {
        "required_auths": several(text), "required_posting_auths": several(text), "id": text, "json": text,
    },
    (19, "comment_options"): {
        "author": text, "permlink": text, "max_accepted_payout": asset, "percent_hbd": u16, "allow_votes": boolean,
        "allow_curation_rewards": boolean,
        "extensions": several(variant((("comment_payout_beneficiaries", _BENEFICIARIES),))),
    },
    (20, "set_withdraw_vesting_route"): {
        "from_account": text, "to_account": text, "percent": u16, "auto_vest": boolean,
    },
    (21, "limit_order_create2"): {
        "owner": text, "orderid": u32, "amount_to_sell": asset, "exchange_rate": _PRICE,
        "fill_or_kill": boolean, "expiration": time,
    },
    (22, "claim_account"): {"creator": text, "fee": asset, "extensions": EXTENSIONS},
    (23, "create_claimed_account"): {
        "creator": text, "new_account_name": text, **_KEYS, "json_metadata": text, "extensions": EXTENSIONS,
    },
    (24, "request_account_recovery"): {
        "recovery_account": text, "account_to_recover": text, "new_owner_authority": _AUTHORITY,
        "extensions": EXTENSIONS,
    },
    (25, "recover_account"): {
        "account_to_recover": text, "new_owner_authority": _AUTHORITY, "recent_owner_authority": _AUTHORITY,
        "extensions": EXTENSIONS,
    },
    (26, "change_recovery_account"): {
        "account_to_recover": text, "new_recovery_account": text, "extensions": EXTENSIONS,
    },
    (27, "escrow_transfer"): {
        "from": text, "to": text, "hbd_amount": asset, "hive_amount": asset, "escrow_id": u32, "agent": text,
        "fee": asset, "json_meta": text, "ratification_deadline": time, "escrow_expiration": time,
    },
    (28, "escrow_dispute"): {"from": text, "to": text, "agent": text, "who": text, "escrow_id": u32},
    (29, "escrow_release"): {
        "from": text, "to": text, "agent": text, "who": text, "receiver": text, "escrow_id": u32,
        "hbd_amount": asset, "hive_amount": asset,
    },
    (31, "escrow_approve"): {
        "from": text, "to": text, "agent": text, "who": text, "escrow_id": u32, "approve": boolean,
    },
    (32, "transfer_to_savings"): {"from": text, "to": text, "amount": asset, "memo": text},
    (33, "transfer_from_savings"): {"from": text, "request_id": u32, "to": text, "amount": asset, "memo": text},
    (34, "cancel_transfer_from_savings"): {"from": text, "request_id": u32},
    (35, "custom_binary"): {
        "required_owner_auths": several(text), "required_active_auths": several(text),
        "required_posting_auths": several(text), "required_auths": several(_AUTHORITY), "id": text,
        "data": hexadecimal,
    },
    (36, "decline_voting_rights"): {"account": text, "decline": boolean},
    (37, "reset_account"): {"reset_account": text, "account_to_reset": text, "new_owner_authority": _AUTHORITY},
    (38, "set_reset_account"): {"account": text, "current_reset_account": text, "reset_account": text},
    (39, "claim_reward_balance"): {
        "account": text, "reward_hive": asset, "reward_hbd": asset, "reward_vests": asset,
    },
    (40, "delegate_vesting_shares"): {"delegator": text, "delegatee": text, "vesting_shares": asset},
    (41, "account_create_with_delegation"): {
        "fee": asset, "delegation": asset, "creator": text, "new_account_name": text, **_KEYS, "json_metadata": text,
        "extensions": EXTENSIONS,
    },
    (42, "witness_set_properties"): {"owner": text, "props": pairs(text, hexadecimal), "extensions": EXTENSIONS},
    (43, "account_update2"): {
        "account": text, **_NEW_KEYS, "memo_key": optional(key), "json_metadata": text,
        "posting_json_metadata": text, "extensions": EXTENSIONS,
    },
    (44, "create_proposal"): {
        "creator": text, "receiver": text, "start_date": time, "end_date": time, "daily_pay": asset,
        "subject": text, "permlink": text, "extensions": EXTENSIONS,
    },
    (45, "update_proposal_votes"): {
        "voter": text, "proposal_ids": several(i64), "approve": boolean, "extensions": EXTENSIONS,
    },
    (46, "remove_proposal"): {"proposal_owner": text, "proposal_ids": several(i64), "extensions": EXTENSIONS},
    (47, "update_proposal"): {
        "proposal_id": i64, "creator": text, "daily_pay": asset, "subject": text, "permlink": text,
        "extensions": several(_END_DATE),
    },
    (48, "collateralized_convert"): {"owner": text, "requestid": u32, "amount": asset},
    (49, "recurrent_transfer"): {
        "from": text, "to": text, "amount": asset, "memo": text, "recurrence": u16, "executions": u16,
        "extensions": several(_PAIR_ID),
    },
}  # fmt: skip

OPERATIONS: Mapping[str, tuple[int, Write]] = MappingProxyType(
    {name: (place, record(fields)) for (place, name), fields in _FIELDS.items()}
)
"""Number and writer by the short name."""
