"""Downloads that break off, change, are encoded or go through proxies: whole or an error."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest
from loopback import faults
from loopback.proxy import forwarding
from loopback.server import Answer, Asked, Handler, Server

from caniload.errors import ArtefactError, BadInputError, HubError
from caniload.handles import Handle
from caniload.loaders import fetch
from caniload.loaders.fetch.download import Arrived, Wanted, download
from caniload.loaders.fetch.http import open_client
from caniload.loaders.fetch.sniff import sniff
from caniload.settings import Settings

BODY = os.urandom(3 << 20)
SHA256 = hashlib.sha256(BODY).hexdigest()


def _get(server: Server, folder: Path, settings: Settings, **known: object) -> Arrived:
    wanted = Wanted(f"{server.base}/w.bin", folder / "w.bin", "url", **known)  # type: ignore[arg-type]
    with open_client(settings) as client:
        return download(client, wanted, settings)


def _ranges(server: Server) -> list[str | None]:
    return [asked.headers.get("range") for asked in server.asked]


def test_an_encoded_body_is_decoded_and_never_resumed(
    server: Server, settings: Settings, tmp_path: Path
) -> None:
    packed = gzip.compress(BODY)

    def encoded(asked: Asked) -> Answer | None:
        sent = {"Content-Encoding": "gzip", "ETag": '"strong"'}
        start = int(asked.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if not start:
            return Answer(packed, 200, sent)
        sent["Content-Range"] = f"bytes {start}-{len(packed) - 1}/{len(packed)}"
        return Answer(packed[start:], 206, sent)

    server.routes.append(encoded)
    server.fail("w.bin", faults.truncated, times=1)
    settings_two = Settings.read({**os.environ, "CANILOAD_HTTP_RETRIES": "2"})
    assert _get(server, tmp_path, settings_two).sha256 == SHA256
    assert _ranges(server)[-1] is None
    assert (tmp_path / "w.bin").read_bytes() == BODY


def test_a_weak_tag_is_resumed_only_where_a_hash_can_tell(
    server: Server, settings: Settings, tmp_path: Path
) -> None:
    def weak(handler: Handler, answer: Answer) -> None:
        tagged = Answer(answer.body, answer.status, {**answer.headers, "ETag": 'W/"1"'})
        cut = len(server.asked) == 1
        (faults.truncated if cut else Handler.send)(handler, tagged)

    server.files["/w.bin"] = BODY
    server.fail("w.bin", weak)
    assert _get(server, tmp_path, settings).sha256 == SHA256
    assert _ranges(server) == [None, None]
    (tmp_path / "w.bin").unlink()
    server.asked.clear()
    assert _get(server, tmp_path, settings, sha256=SHA256).sha256 == SHA256
    assert _ranges(server)[1] is not None


def test_a_server_that_splices_another_version_is_not_believed(
    server: Server, settings: Settings, tmp_path: Path
) -> None:
    changed = os.urandom(len(BODY))

    def careless(asked: Asked) -> Answer:
        """Ignore If-Range and change the file between the first and the second request."""
        body, tag = (BODY, '"1"') if len(server.asked) == 1 else (changed, '"2"')
        start = int(asked.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        sent = {"ETag": tag}
        if start:
            sent["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return Answer(body[start:], 206 if start else 200, sent)

    server.routes.append(careless)
    server.fail("w.bin", faults.truncated, times=1)
    patient = Settings.read({**os.environ, "CANILOAD_HTTP_RETRIES": "2"})
    _get(server, tmp_path, patient)
    assert (tmp_path / "w.bin").read_bytes() == changed


def test_what_an_earlier_process_left_wrong_is_fetched_anew_in_the_same_call(
    server: Server, settings: Settings, tmp_path: Path
) -> None:
    server.files["/w.bin"] = BODY
    (tmp_path / "w.bin.part").write_bytes(bytes(2 << 20))
    assert _get(server, tmp_path, settings, sha256=SHA256).sha256 == SHA256
    assert _ranges(server) == [f"bytes={2 << 20}-", None]
    assert [path.name for path in tmp_path.iterdir() if "w.bin" in path.name] == ["w.bin"]


@pytest.mark.parametrize(
    "known",
    [
        {"size_bytes": len(BODY) + 1},
        {"sha256": "0" * 64},
        {"sha256_prefix": "00000000"},
        {"md5": "0" * 32},
        {"git_sha1": "0" * 40, "size_bytes": len(BODY)},
    ],
    ids=lambda known: next(iter(known)),
)
def test_whatever_was_published_is_checked(
    server: Server, settings: Settings, tmp_path: Path, known: dict[str, object]
) -> None:
    server.files["/w.bin"] = BODY
    with pytest.raises(ArtefactError, match=r"published|expected"):
        _get(server, tmp_path, settings, **known)
    assert [path.name for path in tmp_path.iterdir() if "w.bin" in path.name] == []


def test_a_body_without_a_length_that_breaks_off_is_not_whole(
    server: Server, settings: Settings, tmp_path: Path
) -> None:
    def chunked(handler: Handler, answer: Answer) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"%x\r\n%s\r\n" % (70_000, bytes(70_000)))
        handler.close_connection = True

    server.files["/w.bin"] = BODY
    server.fail("w.bin", chunked)
    with pytest.raises(HubError, match="broke") as caught:
        _get(server, tmp_path, settings)
    assert caught.value.reason == "unreachable"
    assert not (tmp_path / "w.bin").exists()


def test_a_proxy_that_wants_credentials_gets_those_of_its_variable(
    server: Server,
    other: Server,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.files["/w.bin"] = BODY
    forwarding(other)

    def closed(asked: Asked) -> Answer | None:
        ours = asked.headers.get("proxy-authorization") == "Basic bWU6c2VjcmV0"
        return None if ours else Answer(b"no", 407, {"Proxy-Authenticate": "Basic"})

    other.routes.insert(0, closed)
    monkeypatch.setenv("HTTP_PROXY", other.base)
    with pytest.raises(HubError, match="the proxy wants credentials") as caught:
        _get(server, tmp_path, settings)
    assert caught.value.reason == "unreachable"
    monkeypatch.setenv("HTTP_PROXY", other.base.replace("//", "//me:secret@"))
    assert _get(server, tmp_path, settings).sha256 == SHA256
    assert not any("proxy-authorization" in asked.headers for asked in server.asked)


def test_a_proxy_variable_that_cannot_be_used_is_named(
    server: Server, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://127.0.0.1:1")
    with pytest.raises(BadInputError, match="proxy variable"):
        _get(server, tmp_path, settings)
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with pytest.raises(HubError, match="no connection") as caught:
        _get(server, tmp_path, settings)
    assert caught.value.reason == "unreachable"


def test_many_files_come_at_once_and_each_is_asked_for_once(
    server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loopback.huggingface import HuggingFace, Repository

    files = {f"part-{n}.safetensors": os.urandom(5000) for n in range(24)}
    repository = HuggingFace(server).add(Repository("tiny/many", files))
    monkeypatch.setenv("HF_ENDPOINT", server.base)
    for path in files:
        server.fail(path, faults.slow)
    at_once: list[int] = []
    open_now = 0

    def watch(asked: Asked) -> Answer | None:
        nonlocal open_now
        if "/resolve/" in asked.path:
            open_now += 1
            at_once.append(open_now)
        return None

    server.routes.insert(0, watch)
    finished = faults.slow

    def slow(handler: Handler, answer: Answer) -> None:
        nonlocal open_now
        finished(handler, answer)
        open_now -= 1

    server.faults.clear()
    server.fail("/resolve/", slow)
    got = fetch.fetch(Handle("hf", "tiny/many", repository.commit), settings)
    assert {fact.path: fact.size_bytes for fact in got.files} == dict.fromkeys(files, 5000)
    assert 4 <= max(at_once) <= 8
    assert len([path for path in server.paths() if "/resolve/" in path]) == len(files)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (faults.PAGE, "model.safetensors"),
        (b"\xef\xbb\xbf\n <HTML>", "model.onnx"),
        (b"<!-- a login page --><html>", "model.h5"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "model.tar.gz"),
        (b'{"error": "Repository not found"}', "model.bin"),
        (b'{"code": 404, "message": "' + b"no " * 400, "model.tar.gz"),
        (b'{"type": "about:blank", "title": "' + b"x" * 600, "model.pt"),
        (faults.POINTER, "vocab.json"),
    ],
)
def test_what_stands_where_a_model_was_expected_is_told(head: bytes, name: str) -> None:
    said = sniff(head[:512], name)
    assert said is not None
    assert "came, not" in said


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b'{"model_type": "bert", "error": ' + b"1" * 600, "config.json"),
        (b'{"format": "layers-model", "weightsManifest": [' + b"1" * 600, "model"),
        (b"<s> 1\n<pad> 2\n", "vocab.bpe"),
        (b"<html> is a word\n", "vocab.txt"),
        (b"\x80\x02}q\x00", "model.bin"),
        (b"", "empty.bin"),
    ],
)
def test_what_only_looks_alike_is_left_alone(head: bytes, name: str) -> None:
    assert sniff(head[:512], name) is None
