"""Authored YAML and packaged snapshots; `Settings.data` points here."""
