"""Hubs, host side, one file each: resolve, fetch, browse.

`fetch` is the front door: cache first, then the hub, atomically. `resolve` says which
revision a handle means. `cache` lists and removes what is kept.
"""

from caniload.loaders.fetch.front import fetch, resolve

__all__ = ["fetch", "resolve"]
