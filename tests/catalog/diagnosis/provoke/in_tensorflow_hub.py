"""Failures of tensorflow_hub beside Keras 3, with a hub on loopback."""

import http.server
import os
import pathlib
import threading

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
WORK = pathlib.Path(os.environ["PROVOKE_IN"])
os.environ["TFHUB_CACHE_DIR"] = str(WORK / "hub_cache")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
import tensorflow_hub as hub  # noqa: E402
from provoking import main, provokes  # noqa: E402


class Gone(http.server.BaseHTTPRequestHandler):
    """A hub that serves nothing any more."""

    def do_GET(self):
        """Refuse."""
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Stay quiet."""


SERVER = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gone)
threading.Thread(target=SERVER.serve_forever, daemon=True).start()


@provokes("hub.tfhub-403", loader="tensorflow-hub", framework="tensorflow")
def _():
    hub.load(f"http://127.0.0.1:{SERVER.server_port}/owner/name/1")


@provokes("tfhub.keraslayer-keras3")
def _():
    class Twice(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 2])])
        def __call__(self, x):
            return x * 2

    tf.saved_model.save(Twice(), str(WORK / "twice"))
    keras.Sequential([keras.Input((2,)), hub.KerasLayer(str(WORK / "twice"))])


@provokes("tfhub.tf1-module")
def _():
    return hub.Module


main()
