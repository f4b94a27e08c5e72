"""Hubs, host side, one file each: resolve, fetch, browse."""
