"""The worker-side file of the exporter."""

from pathlib import Path


def export(loaded, job):
    """Write the scale as text."""
    (Path(job["export_to"]) / "scale.txt").write_text(str(loaded))
