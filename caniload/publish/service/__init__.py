"""The read-only HTTP service, version 1: the answers of the command line, over the store.

Needs `caniload[serve]`; nothing outside this package and `cli/serve.py` imports it.
"""
