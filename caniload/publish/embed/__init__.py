"""Embeds: evidence as HTML in anybody's docs, read from one exported file."""
