"""Tasks are the Hugging Face pipeline tags.

The tags are the keys of PIPELINE_DATA in packages/tasks/src/pipelines.ts of
https://github.com/huggingface/huggingface.js at commit 0057f4042b57, read 2026-11-23.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from caniload.catalog.entries import DatasetEntry, ModelEntry
from caniload.catalog.rules import Problem, View

_TAGS = """
any-to-any audio-classification audio-text-to-text audio-to-audio automatic-speech-recognition
biology depth-estimation document-question-answering feature-extraction fill-mask graph-ml
image-classification image-feature-extraction image-segmentation image-text-to-text image-to-3d
image-to-image image-to-text image-to-video keypoint-detection mask-generation multiple-choice
object-detection other question-answering reinforcement-learning robotics sentence-similarity
summarization table-question-answering table-to-text tabular-classification tabular-regression
tabular-to-text text-classification text-generation text-ranking text-retrieval text-to-3d
text-to-audio text-to-image text-to-speech text-to-video text2text-generation
time-series-forecasting token-classification translation unconditional-image-generation
video-classification video-text-to-text visual-document-retrieval visual-question-answering
voice-activity-detection zero-shot-classification zero-shot-image-classification
zero-shot-object-detection
"""
PIPELINE_TAGS = frozenset(_TAGS.split())


def check(view: View) -> Iterator[Problem]:
    """Find tasks that are no pipeline tag, and models and datasets without any."""
    for file, entry in view.entries():
        if not isinstance(entry, ModelEntry | DatasetEntry):
            continue
        if not entry.tasks:
            yield Problem(file, "tasks", "no task is named", "name at least one pipeline tag")
        for index, task in enumerate(entry.tasks):
            if task not in PIPELINE_TAGS:
                close = difflib.get_close_matches(task, sorted(PIPELINE_TAGS), n=1)
                write = f"write {close[0]}" if close else "write a Hugging Face pipeline tag"
                yield Problem(file, f"tasks[{index}]", f"{task!r} is no pipeline tag", write)
