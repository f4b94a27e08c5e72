"""tensorflow-datasets: every builder of the package, its configurations, and its files' hashes.

All is read from the package: nothing is downloaded or built, so rows of splits are not known.
Where a builder registers more than a few files only their number and bytes are told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .lines import dataset, emit

LISTED = 16
"""So many files are listed with their hashes, which do not compress, and so many languages."""

TASKS = {
    "abstractive-text-summarization": "summarization",
    "audio-classification": "audio-classification",
    "document-summarization": "summarization",
    "fine-grained-image-classification": "image-classification",
    "image-classification": "image-classification",
    "image-generation": "unconditional-image-generation",
    "image-segmentation": "image-segmentation",
    "image-super-resolution": "image-to-image",
    "image-to-image-translation": "image-to-image",
    "instance-segmentation": "image-segmentation",
    "language-modeling": "text-generation",
    "language-modelling": "text-generation",
    "linguistic-acceptability": "text-classification",
    "machine-translation": "translation",
    "named-entity-recognition": "token-classification",
    "natural-language-inference": "text-classification",
    "object-detection": "object-detection",
    "open-domain-question-answering": "question-answering",
    "part-of-speech-tagging": "token-classification",
    "question-answering": "question-answering",
    "reading-comprehension": "question-answering",
    "reinforcement-learning": "reinforcement-learning",
    "scene-classification": "image-classification",
    "semantic-segmentation": "image-segmentation",
    "sentence-similarity": "sentence-similarity",
    "sentiment-analysis": "text-classification",
    "speech-recognition": "automatic-speech-recognition",
    "table-to-text-generation": "table-to-text",
    "text-classification": "text-classification",
    "text-classification-toxicity-prediction": "text-classification",
    "text-generation": "text-generation",
    "text-summarization": "summarization",
    "textual-entailment": "text-classification",
    "token-classification": "token-classification",
}
"""The package's own tags that name a task, in the words of pipeline tags; others are left out."""


def main() -> None:
    """Emit one line a builder and one a configuration."""
    emit("tfds", "tensorflow-datasets", _builders())


def _builders() -> Iterator[dict[str, Any]]:
    _stand_in()
    import tensorflow_datasets as tfds

    for name in tfds.list_builders(with_community_datasets=False):
        builder = tfds.builder_cls(name)
        configs = [config.name for config in builder.builder_configs.values()]
        files = _files(builder)
        sizes = [each.get("size_bytes") for each in files]
        size = sum(sizes) if files and None not in sizes else None
        tags = _tags(builder)
        languages = sorted(set(_below(tags, "content.language.")))
        yield dataset(
            name,
            frameworks=["tensorflow"],
            library="tensorflow-datasets",
            call=f'tensorflow_datasets.load("{name}")',
            size_bytes=size if len(configs) <= 1 else None,
            checksums=files if len(files) <= LISTED else None,
            facts={
                "version": str(builder.VERSION) if builder.VERSION else None,
                "configs": len(configs) or None,
                "files": len(files) or None,
                "files_bytes": size if len(configs) > 1 else None,
                "tasks": _words(TASKS.get(tag) for tag in _below(tags, "ml.task.")),
                "languages": _words(languages) if len(languages) <= LISTED else None,
                "language_count": len(languages) if len(languages) > LISTED else None,
                "data": _words(_below(tags, "content.data-type.")),
                "manual": 1 if _manual(builder) else None,
            },
        )
        for config in configs:
            yield dataset(name, config)


def _files(builder: Any) -> list[dict[str, Any]]:
    """Return the files that a builder registers, sorted by address."""
    return [
        {
            "url": url.replace(" ", "%20"),
            "algorithm": "sha256",
            "value": info.checksum,
            "size_bytes": None if info.size is None else int(info.size),
        }
        for url, info in sorted((builder.url_infos or {}).items())
        if info.checksum and "://" in url
    ]


def _tags(builder: Any) -> list[str]:
    """Return the tags of the folder of a builder that has one to itself."""
    folder = builder.pkg_dir_path
    try:
        said = (folder / "TAGS.txt").read_text(encoding="utf-8") if folder else ""
    except OSError:
        return []
    return [line.partition("#")[0].strip() for line in said.splitlines()]


def _below(tags: list[str], prefix: str) -> list[str]:
    return [tag[len(prefix) :] for tag in tags if tag.startswith(prefix)]


def _words(found: Any) -> Any:
    return " ".join(sorted({word for word in found if word})) or None


def _manual(builder: Any) -> bool:
    """Tell whether someone has to download something by hand first."""
    return bool(builder.MANUAL_DOWNLOAD_INSTRUCTIONS)


def _stand_in() -> None:
    """Serve the standard library's module under the name of its backport, where that is missing.

    tensorflow-datasets imports `importlib_resources` and does not require it.
    """
    import importlib.resources
    import importlib.util
    import sys

    if importlib.util.find_spec("importlib_resources") is None:
        import importlib.resources.abc

        sys.modules["importlib_resources"] = importlib.resources
