"""Transactions, blocks and accounts as a node's JSON writes them, in each encoding that clients ask for."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from solders.account import Account
from solders.instruction import CompiledInstruction
from solders.message import Message, MessageV0, MessageV1
from solders.pubkey import Pubkey

from chains import base58
from tests.nodes.solana.execution import SYSTEM, Landed
from tests.nodes.solana.ledger import Block
from tests.nodes.solana.node import INVALID_PARAMS, UNSUPPORTED_VERSION, RpcError
from tests.nodes.solana.tokens import PROGRAMS, parsed, ui_amount

MEMOS = {
    Pubkey.from_string("Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo"),
    Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"),
}
ENCODINGS = {"json", "jsonParsed", "base64", "base58"}
TOO_NEW = (
    "Transaction version ({0}) is not supported by the requesting client. Please try the request again "
    'with the following configuration parameter: "maxSupportedTransactionVersion": {0}'
)
_VERSIONS: dict[type, int | str] = {Message: "legacy", MessageV0: 0, MessageV1: 1}
_CREATE_ACCOUNT, _TRANSFER = (0).to_bytes(4, "little"), (2).to_bytes(4, "little")
_TOKEN_TRANSFER, _TOKEN_TRANSFER_CHECKED = bytes([3]), bytes([12])


def encoding_of(options: Mapping[str, Any]) -> str:
    """Return the encoding that a call asks for."""
    encoding: str = options.get("encoding") or "json"
    if encoding not in ENCODINGS:
        raise RpcError(INVALID_PARAMS, f"Invalid params: unknown variant `{encoding}`.")
    return encoding


def transaction_json(landed: Landed, encoding: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return `transaction`, `meta` and `version`; a version that the client does not say it can read is refused."""
    version = _VERSIONS[type(landed.transaction.message)]
    versions = options.get("maxSupportedTransactionVersion")
    if isinstance(version, int) and (versions is None or versions < version):
        raise RpcError(UNSUPPORTED_VERSION, TOO_NEW.format(version))
    told = {"transaction": _transaction(landed, encoding), "meta": _meta(landed, encoding)}
    return told | ({"version": version} if versions is not None else {})


def signature_json(landed: Landed, block: Block, status: str) -> dict[str, Any]:
    """Return an entry of getSignaturesForAddress."""
    return {
        "signature": landed.signature,
        "slot": block.slot,
        "err": landed.err,
        "memo": _memo(landed),
        "blockTime": block.time,
        "confirmationStatus": status,
    }


def status_json(err: Any) -> dict[str, Any]:
    """Return a Rust Result as JSON."""
    return {"Ok": None} if err is None else {"Err": err}


def account_json(
    account: Account | None, encoding: str, cut: slice, decimals_of: Callable[[Pubkey], int]
) -> dict[str, Any] | None:
    """Return an account; a `jsonParsed` that cannot be given is base64."""
    if account is None:
        return None
    told: dict[str, Any] = {
        "executable": account.executable,
        "lamports": account.lamports,
        "owner": str(account.owner),
        "rentEpoch": account.rent_epoch,
        "space": len(account.data),
    }
    if encoding == "jsonParsed":
        data = bytes(account.data)
        readable = parsed(account, decimals_of(Pubkey(data[:32]))) if account.owner in PROGRAMS else None
        if readable is not None:
            return told | {"data": readable}
    data = bytes(account.data)[cut]
    return told | {"data": base58.encode(data) if encoding == "binary" else [*_bytes(data, encoding)]}


def _transaction(landed: Landed, encoding: str) -> Any:
    if encoding in ("base64", "base58"):
        return [*_bytes(bytes(landed.transaction), encoding)]
    message = landed.transaction.message
    told: dict[str, Any] = {"recentBlockhash": str(message.recent_blockhash)}
    if encoding == "jsonParsed":
        told["accountKeys"] = _keys_parsed(landed)
        told["instructions"] = [_parsed(call, landed, None) for call in message.instructions]
    else:
        header = message.header
        told["accountKeys"] = [str(key) for key in message.account_keys]
        told["header"] = {
            "numReadonlySignedAccounts": header.num_readonly_signed_accounts,
            "numReadonlyUnsignedAccounts": header.num_readonly_unsigned_accounts,
            "numRequiredSignatures": header.num_required_signatures,
        }
        told["instructions"] = [_compiled(call, None) for call in message.instructions]
    if isinstance(message, MessageV0):
        told["addressTableLookups"] = [
            {
                "accountKey": str(lookup.account_key),
                "readonlyIndexes": [*lookup.readonly_indexes],
                "writableIndexes": [*lookup.writable_indexes],
            }
            for lookup in message.address_table_lookups
        ]
    return {"message": told, "signatures": [str(signature) for signature in landed.transaction.signatures]}


def _meta(landed: Landed, encoding: str) -> dict[str, Any]:
    write = _parsed if encoding == "jsonParsed" else lambda call, _landed, height: _compiled(call, height)
    told: dict[str, Any] = {
        "computeUnitsConsumed": landed.units,
        "err": landed.err,
        "fee": landed.fee,
        "innerInstructions": [
            {
                "index": outer,
                "instructions": [write(call.instruction(), landed, call.stack_height()) for call in calls],
            }
            for outer, calls in landed.inner
        ],
        "logMessages": [*landed.logs],
        "postBalances": [*landed.post],
        "postTokenBalances": [*landed.post_tokens],
        "preBalances": [*landed.pre],
        "preTokenBalances": [*landed.pre_tokens],
        "rewards": [],
        "status": status_json(landed.err),
    }
    if encoding != "jsonParsed":
        static = len(landed.transaction.message.account_keys)
        middle = static + landed.loaded_writable
        told["loadedAddresses"] = {
            "readonly": [str(key) for key in landed.keys[middle:]],
            "writable": [str(key) for key in landed.keys[static:middle]],
        }
    if landed.return_data is not None:
        program, data = landed.return_data
        told["returnData"] = {"programId": program, "data": [*_bytes(data, "base64")]}
    return told


def _keys_parsed(landed: Landed) -> list[dict[str, Any]]:
    message = landed.transaction.message
    header, static = message.header, len(message.account_keys)
    signers = header.num_required_signatures

    def writable(index: int) -> bool:
        if index < signers:
            return index < signers - header.num_readonly_signed_accounts
        if index < static:
            return index < static - header.num_readonly_unsigned_accounts
        return index < static + landed.loaded_writable

    return [
        {
            "pubkey": str(key),
            "signer": index < signers,
            "source": "transaction" if index < static else "lookupTable",
            "writable": writable(index),
        }
        for index, key in enumerate(landed.keys)
    ]


def _compiled(call: CompiledInstruction, height: int | None) -> dict[str, Any]:
    return {
        "accounts": [*bytes(call.accounts)],
        "data": base58.encode(bytes(call.data)),
        "programIdIndex": call.program_id_index,
        "stackHeight": height,
    }


def _parsed(call: CompiledInstruction, landed: Landed, height: int | None) -> dict[str, Any]:
    """Return a call as nodes parse it; of the many they know, new accounts, transfers and memos."""
    program, data = landed.keys[call.program_id_index], bytes(call.data)
    accounts = [str(landed.keys[index]) for index in bytes(call.accounts)]
    known = _read(program, data, accounts)
    if known is None:
        rest = {"accounts": accounts, "data": base58.encode(data), "programId": str(program)}
        return rest | {"stackHeight": height}
    name, readable = known
    return {"parsed": readable, "program": name, "programId": str(program), "stackHeight": height}


def _read(program: Pubkey, data: bytes, accounts: Sequence[str]) -> tuple[str, Any] | None:
    if program in MEMOS:
        try:
            return "spl-memo", data.decode()
        except UnicodeDecodeError:
            return None
    read = _read_system(data, accounts) if program == SYSTEM else None
    if program in PROGRAMS:
        read = _read_token(data, accounts)
    return None if read is None else (PROGRAMS.get(program, "system"), read)


def _read_system(data: bytes, accounts: Sequence[str]) -> Any:
    lamports = int.from_bytes(data[4:12], "little")
    if data[:4] == _TRANSFER:
        info = {"destination": accounts[1], "lamports": lamports, "source": accounts[0]}
        return {"info": info, "type": "transfer"}
    if data[:4] == _CREATE_ACCOUNT:
        space, owner = int.from_bytes(data[12:20], "little"), str(Pubkey(data[20:52]))
        info = {"lamports": lamports, "newAccount": accounts[1], "owner": owner, "source": accounts[0], "space": space}
        return {"info": info, "type": "createAccount"}
    return None


def _read_token(data: bytes, accounts: Sequence[str]) -> Any:
    amount = int.from_bytes(data[1:9], "little")
    if data[:1] == _TOKEN_TRANSFER:
        source, destination, authority = accounts[:3]
        info = {"amount": str(amount), "authority": authority, "destination": destination, "source": source}
        return {"info": info, "type": "transfer"}
    if data[:1] == _TOKEN_TRANSFER_CHECKED:
        source, mint, destination, authority = accounts[:4]
        info = {"authority": authority, "destination": destination, "mint": mint, "source": source}
        return {"info": {**info, "tokenAmount": ui_amount(amount, data[9])}, "type": "transferChecked"}
    return None


def _memo(landed: Landed) -> str | None:
    """Return the memos of outer instructions, as the address index keeps them."""
    message = landed.transaction.message
    texts = [
        bytes(call.data)
        for call in message.instructions
        if call.program_id_index < len(message.account_keys) and message.account_keys[call.program_id_index] in MEMOS
    ]
    written = [f"[{len(text)}] {text.decode(errors='replace')}" for text in texts]
    return "; ".join(written) or None


def _bytes(data: bytes, encoding: str) -> tuple[str, str]:
    return (base58.encode(data), encoding) if encoding == "base58" else (base64.b64encode(data).decode(), "base64")
