"""The programs and accounts of the network that payments meet, by their addresses. Pure."""

SYSTEM = "11111111111111111111111111111111"
TOKENS = frozenset({"TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"})
"""SPL Token and Token-2022."""
MEMOS = frozenset({"Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo", "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"})
"""Both versions of the Memo program; some wallets still use the first."""
CLOCK = "SysvarC1ock11111111111111111111111111111111"
"""The account in which a block finds its time."""
