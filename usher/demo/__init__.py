"""The whole story on a real EVM node, told through the doors that users have: command line, HTTP and RPC."""
