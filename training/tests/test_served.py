"""Comparing with a running service, over real HTTP; the service here is a few lines of Python."""

import base64
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
import torch
from PIL import Image

from rdi_training.__main__ import main
from rdi_training.cli.smoke import CONFIG
from rdi_training.evaluation.served import own_answers
from rdi_training.evaluation.subject import load_package
from rdi_training.export.package import Description, write_package
from rdi_training.networks.multi_exit import MultiExitNetwork


@pytest.fixture
def export(network: MultiExitNetwork, tmp_path: Path) -> Path:
    """The tiny network as an exported folder."""
    description = Description(
        name="tiny",
        version="1",
        text="",
        licence="Apache-2.0",
        classes=["left", "middle", "right"],
        provenance={"dataset": "stripes", "training": {"config": CONFIG.to_json()}},
    )
    profile = {"policy": "entropy", "thresholds": [0.6, 0.5]}
    calibration = {"formatVersion": 1, "defaultProfile": "own", "profiles": {"own": profile}}
    write_package(network, description, calibration, "", tmp_path / "export")
    return tmp_path / "export"


class Service:
    """Answers POST /classify/batch with the exported network's predictions, exit 0's `confidence_off` off."""

    def __init__(self, export: Path) -> None:
        self.confidence_off = 0.0
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = parse_qs(urlparse(self.path).query)
                assert urlparse(self.path).path == "/classify/batch"
                assert (query["model"], query["version"]) == (["tiny"], ["1"])
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                pixels = [np.array(Image.open(io.BytesIO(base64.b64decode(image)))) for image in body["images"]]
                subject = load_package(export, query["profile"][0])
                answers = own_answers(subject, torch.from_numpy(np.stack(pixels)).unsqueeze(1))
                results = [
                    {
                        "prediction": {
                            "classIndex": answer.class_index,
                            "confidence": answer.confidence - service.confidence_off * (answer.exit_index == 0),
                            "exit": {"index": answer.exit_index},
                        }
                    }
                    for answer in answers
                ]
                self.reply(200, {"results": results})

            def reply(self, status: int, body: dict[str, object]) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def service(export: Path) -> Iterator[Service]:
    running = Service(export)
    thread = threading.Thread(target=running.server.serve_forever)
    thread.start()
    yield running
    running.server.shutdown()
    running.server.server_close()
    thread.join()


def test_equal_answers_agree_and_others_are_shown(
    export: Path, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    compare = ["compare-served", str(export), "--url", service.url, "--dataset", "stripes", "--images", "70"]
    assert main([*compare, "--profile", "own"]) == 0
    assert "70 of 70 answers agree" in capsys.readouterr().out
    service.confidence_off = 0.01
    assert main([*compare, "--profile", "own"]) == 1
    assert "PyTorch Answer(class_index=" in capsys.readouterr().out


def test_a_service_that_refuses_or_is_away_is_named(
    export: Path, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    compare = ["compare-served", str(export), "--dataset", "stripes", "--profile", "full", "--url"]
    service.server.RequestHandlerClass.do_POST = lambda handler: handler.reply(503, {"title": "saturated"})
    assert main([*compare, service.url]) == 2
    assert "answered 503" in capsys.readouterr().err
    assert main([*compare, "http://127.0.0.1:9"]) == 2
    assert "does not answer" in capsys.readouterr().err
