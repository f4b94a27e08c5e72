"""Loaders, host side, one file each: what a loader needs and reads."""
