"""Refuse TensorFlow graphs that reach for files, the network or Python, before anything runs.

"TensorFlow models are programs": https://github.com/tensorflow/tensorflow/blob/master/SECURITY.md.
The stored protobuf is read as it lies, function libraries included, without TensorFlow. The
lists below are those ops of TensorFlow's registry (`TF_GetAllOpList`, read in 2.21.0: 1910 ops)
that open a file, connect to an address, call Python or a registered native function, or hold a
graph that a reader of this one cannot see. They contain what `saved_model_cli scan` denies
(`_OP_DENYLIST` in tensorflow/python/tools/saved_model_cli.py) and its kin.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import protobuf
from .consent import need_code
from .saved_graph import Graph, of_graph_def, of_saved_model


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PYTHON = _words("PyFunc PyFuncStateless EagerPyFunc XlaCustomCall XlaCustomCallV2")
"""They call Python functions, or native ones by name."""

HIDDEN = frozenset(["DatasetFromGraph"])
"""They run a graph that is stored in a tensor."""

NETWORK = _words(
    """
    DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4
    RegisterDataset RegisterDatasetV2 RpcClient RpcServer DistributedSave
    """
)

FILES = _words(
    """
    ReadFile WriteFile MatchingFiles MatchingFilesDataset ExperimentalMatchingFilesDataset
    WholeFileReader WholeFileReaderV2 TextLineReader TextLineReaderV2 TFRecordReader
    TFRecordReaderV2 FixedLengthRecordReader FixedLengthRecordReaderV2 LMDBReader RecordInput
    TextLineDataset TFRecordDataset TFRecordDatasetV2 FixedLengthRecordDataset
    FixedLengthRecordDatasetV2 CSVDataset CSVDatasetV2 ExperimentalCSVDataset LMDBDataset
    ExperimentalLMDBDataset SqlDataset ExperimentalSqlDataset CacheDataset CacheDatasetV2
    SaveDataset SaveDatasetV2 LoadDataset SnapshotDataset SnapshotDatasetV2
    SnapshotDatasetReader SnapshotNestedDatasetReader SnapshotChunkDataset
    ListSnapshotChunksDataset DatasetToTFRecord ExperimentalDatasetToTFRecord
    CreateSummaryFileWriter CreateSummaryDbWriter ImmutableConst LoadAndRemapMatrix
    GenerateVocabRemapping Skipgram DumpTensor CalibrationStatisticsSaver DTensorRestoreV2
    FileSystemSetConfiguration DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugNanCount
    DebugNumericSummary
    """
)

SAVING = _words("Save SaveSlices SaveV2 MergeV2Checkpoints")
"""Normal in what a SavedModel's saver names for saving, which loading never runs."""
RESTORING = _words("Restore RestoreSlice RestoreV2")
"""Normal in what a SavedModel's saver names for saving or restoring its own variables."""
TABLES = _words("InitializeTableFromTextFile InitializeTableFromTextFileV2")
"""Normal in a SavedModel, whose vocabularies are assets; a frozen graph has none."""
CONDITIONAL = {"PrintV2": "output_stream", "FixedUnigramCandidateSampler": "vocab_file"}
"""Ops that open a file only if this attribute names one; `stderr` and the like are normal."""

ALWAYS = PYTHON | HIDDEN | NETWORK | FILES
_FLEX = re.compile(rb"Flex([A-Za-z0-9_]{2,80})\x00")
_UNREAD = ("saved_model.cpb", "saved_model.pbtxt")


def refuse_unsafe(path: str | Path, job: dict[str, Any]) -> tuple[str, ...]:
    """Raise `failure.Refused` if a graph has unsafe ops and the job does not allow code.

    `path` is a SavedModel's directory or its `saved_model.pb`, a frozen graph, or a .tflite
    file, whose flex ops are looked at. Call it before the framework reads the file. Returns
    the ops found, which is () for nearly all models; with `allow_code` they are noted in the
    job, and the record says what it was needed for. A file that is no protobuf is left to the
    framework, whose own error says so; one that only the framework can read is refused.
    """
    path = Path(path)
    if path.name == "saved_model.pb" or path.is_dir():
        home = path if path.is_dir() else path.parent
        for name in _UNREAD:
            if (home / name).exists() and not (name.endswith("txt") and _binary(home).exists()):
                need_code(job, f"the graph in {name} cannot be looked through")
                return (name,)
        path = _binary(home)
        if not path.exists():
            return ()
    try:
        found = unsafe_ops(path)
    except protobuf.MalformedError as error:
        if _framework_reads(path):
            need_code(job, f"the graph cannot be looked through ({error})", error)
        return ()
    if found:
        need_code(job, f"the graph holds {', '.join(found)}, which {_what(found)}")
    return found


def unsafe_ops(path: Path) -> tuple[str, ...]:
    """Return the names of unsafe ops of a stored graph, sorted.

    Raises `protobuf.MalformedError` for what is no protobuf, and `OSError`.
    """
    with path.open("rb") as file:
        if file.seek(0, 2) == 0:
            return ()
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if data[4:8] == b"TFL3":
        return tuple(sorted(set(_flex(data))))
    saved_model = path.name == "saved_model.pb"
    graphs = of_saved_model(memoryview(data)) if saved_model else [of_graph_def(memoryview(data))]
    found = {op for graph in graphs for op in _unsafe(graph, saved_model)}
    return tuple(sorted(found))


def _unsafe(graph: Graph, saved_model: bool) -> Iterator[str]:
    """Yield the unsafe ops of a graph and its functions."""
    saving = graph.only_saver(restoring=False)
    either = graph.only_saver(restoring=True)
    for place, node in graph.all_nodes():
        for op in node.ops:
            normal = (
                op not in ALWAYS
                and (op not in TABLES or saved_model)
                and (op not in SAVING or place in saving)
                and (op not in RESTORING or place in either)
                and not any(_is_file(op, value) for value in node.strings(CONDITIONAL.get(op, "")))
            )
            if not normal:
                yield op


def _is_file(op: str, value: str) -> bool:
    """Tell whether an attribute names a file; PrintV2 knows `stderr`, `log(info)`, `file://`."""
    return value.startswith("file:") if op == "PrintV2" else bool(value)


def _flex(data: mmap.mmap) -> Iterator[str]:
    """Yield unsafe TensorFlow ops that a .tflite file runs through its flex delegate."""
    for match in _FLEX.finditer(data):
        op = match[1].decode()
        if op in ALWAYS | SAVING | RESTORING | TABLES | set(CONDITIONAL):
            yield op


def _what(found: tuple[str, ...]) -> str:
    """Say what ops do, the worst of it."""
    ops = set(found)
    if ops & PYTHON:
        return "runs Python or native code" if len(ops) == 1 else "run Python or native code"
    if ops & HIDDEN:
        return "runs a graph that cannot be looked through"
    if ops & NETWORK:
        return "connects to an address" if len(ops) == 1 else "reach addresses and files"
    return "reaches for files" if len(ops) == 1 else "reach for files"


def _binary(home: Path) -> Path:
    return home / "saved_model.pb"


def _framework_reads(path: Path) -> bool:
    """Tell whether TensorFlow's own protobuf classes can read what `protobuf` cannot."""
    from tensorflow.core.framework import graph_pb2
    from tensorflow.core.protobuf import saved_model_pb2

    kind = saved_model_pb2.SavedModel if path.name == "saved_model.pb" else graph_pb2.GraphDef
    try:
        kind().ParseFromString(path.read_bytes())
    except Exception:  # noqa: BLE001 (protobuf's DecodeError moves between its versions)
        return False
    return True
