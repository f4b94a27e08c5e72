"""Failures of ONNX Runtime, over files that `in_pytorch` wrote."""

import os
import pathlib

import numpy
import onnxruntime
from provoking import main, provokes

WORK = pathlib.Path(os.environ["PROVOKE_IN"])


def session(name, **options):
    """Open a file of the shared folder."""
    return onnxruntime.InferenceSession(str(WORK / name), **options)


@provokes("ort.bad-file")
def _():
    (WORK / "pointer.onnx").write_text("version https://git-lfs.github.com/spec/v1\n")
    session("pointer.onnx")


@provokes("ort.bad-file")
def _():
    session("absent.onnx")


@provokes("ort.bad-input")
def _():
    session("good.onnx").run(None, {"x": numpy.ones(2)})


@provokes("ort.bad-input")
def _():
    session("good.onnx").run(None, {"x": numpy.ones((1, 2), "float32")})


@provokes("ort.bad-input")
def _():
    session("good.onnx").run(None, {"z": numpy.ones(2, "float32")})


@provokes("ort.external-data")
def _():
    session("outside.onnx")


@provokes("ort.ir-version")
def _():
    session("ir.onnx")


@provokes("ort.opset")
def _():
    session("opset.onnx")


@provokes("ort.unknown-op")
def _():
    session("own.onnx")


@provokes("ort.not-implemented")
def _():
    session("bf16.onnx")


@provokes("silent.ep-fallback")
def _():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session("good.onnx", providers=["CUDAExecutionProvider"])


@provokes("litert.package-renamed")
def _():
    import tflite_runtime.interpreter  # noqa: F401


@provokes("py.module-missing")
def _():
    import nobodys_package  # noqa: F401


main()
