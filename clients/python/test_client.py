"""The generated client against a running server (RDI_URL) that has API keys (RDI_API_KEY is one of them)."""

import asyncio
import base64
import io
import os
from pathlib import Path

import pytest
from rdi_serve_client import AuthenticatedClient, Client
from rdi_serve_client.api.classification import classify, classify_batch
from rdi_serve_client.api.models import get_model, list_models
from rdi_serve_client.api.operations import is_ready
from rdi_serve_client.models import BatchRequest, Model, ModelList, Prediction, Problem
from rdi_serve_client.types import UNSET, File

URL = os.environ["RDI_URL"]
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def client():
    with AuthenticatedClient(base_url=URL, token=os.environ["RDI_API_KEY"]) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "label"), [("digit-7.png", "7"), ("digit-3-large.jpg", "3"), ("digit-5.webp", "5")]
)
def test_classifies_an_image_of_each_format_with_options(client, name, label):
    with (EXAMPLES / name).open("rb") as image:
        prediction = classify.sync(client=client, body=File(image), top_k=3)
    assert isinstance(prediction, Prediction)
    assert prediction.label == label
    assert len(prediction.top) == 3
    assert prediction.exit_.reason in ("confident", "final")
    assert prediction.flops.saved == prediction.flops.full - prediction.flops.executed


def test_classifies_without_blocking(client):
    answer = asyncio.run(
        classify.asyncio_detailed(client=client, body=File((EXAMPLES / "digit-1.png").read_bytes()))
    )
    assert answer.parsed.label == "1"
    assert answer.headers["x-exit-index"] == str(answer.parsed.exit_.index)


def test_classifies_a_batch(client):
    images = [(EXAMPLES / "digit-2.png").read_bytes(), b"no image"]
    body = BatchRequest(images=[base64.b64encode(image).decode() for image in images])
    first, second = classify_batch.sync(client=client, body=body).results
    assert (first.prediction.label, first.problem) == ("2", UNSET)
    assert second.problem.type_ == "urn:rdi-serve:problem:undecodable-image"


def test_lists_the_models_and_describes_one(client):
    models = list_models.sync(client=client)
    assert isinstance(models, ModelList)
    model = get_model.sync(client=client, name=models.default_model)
    assert isinstance(model, Model)
    assert (len(model.classes), len(model.exits)) == (10, 3)
    assert next(one for one in model.profiles if one.name == "balanced").certificate.valid


def test_a_problem_is_typed(client):
    problem = classify.sync(client=client, body=File(io.BytesIO(b"no image")))
    assert isinstance(problem, Problem)
    assert (problem.type_, problem.status) == ("urn:rdi-serve:problem:undecodable-image", 422)
    problem = get_model.sync(client=client, name="absent")
    assert problem.type_ == "urn:rdi-serve:problem:unknown-model"


def test_without_a_key():
    with Client(base_url=URL) as stranger:
        assert list_models.sync(client=stranger).type_ == "urn:rdi-serve:problem:unauthorized"
        assert is_ready.sync(client=stranger).status == "ready"
