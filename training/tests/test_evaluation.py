"""Intervals by hand, and the whole table on a tiny network."""

import dataclasses
import os
from pathlib import Path

import pytest
import torch

from rdi_training.cost import network_cost
from rdi_training.data.stripes import draw_stripes
from rdi_training.dynamic import Gate, always_full
from rdi_training.evaluation.intervals import paired_difference, share
from rdi_training.evaluation.markdown import to_markdown
from rdi_training.evaluation.records import Record, record, record_profiles
from rdi_training.evaluation.subject import Subject, load_authors
from rdi_training.evaluation.suite import UNION_ATTACKS, attack_profiles, run_suite, surviving
from rdi_training.evaluation.table import compare, tabulate, tabulate_profiles
from rdi_training.evaluation.threat import Threat, threat_for
from rdi_training.networks.multi_exit import MultiExitNetwork
from rdi_training.networks.tiny import rdi_tiny

THREAT = Threat(epsilon=0.1, step=0.02, steps=5)


def tiny_subject(network: MultiExitNetwork, *thresholds: float | None) -> Subject:
    profiles = {"own": Gate("entropy", thresholds), "full": always_full(2)}
    return Subject("tiny", network, "own", profiles, ("horizontal", "vertical"))


def test_images_of_other_classes_are_refused(network: MultiExitNetwork) -> None:
    subject = tiny_subject(network, 0.5, 0.5)
    images = draw_stripes(8, seed=1)
    dataclasses.replace(subject, classes=images.classes).check_classes(images)
    fewer = dataclasses.replace(images, classes=images.classes[1:])
    with pytest.raises(ValueError, match=r"the images are of the classes .*; tiny tells apart"):
        dataclasses.replace(subject, classes=images.classes).check_classes(fewer)


def test_wilson_interval() -> None:
    measured = share(torch.tensor([True] * 8 + [False] * 2))
    assert measured.value == pytest.approx(0.8)
    assert (measured.low, measured.high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert share(torch.ones(50, dtype=torch.bool)).high == pytest.approx(1)


def test_paired_difference_counts_only_disagreements() -> None:
    first = torch.tensor([True] * 90 + [False] * 10)
    second = torch.tensor([True] * 80 + [False] * 20)
    difference = paired_difference(first, second)
    assert difference.value == pytest.approx(0.1)
    assert difference.p == pytest.approx(2 / 2**10)
    assert paired_difference(first, first).p == 1


def test_union_is_no_better_than_any_attack_and_worst_is_the_lowest(network: MultiExitNetwork) -> None:
    images = draw_stripes(60, seed=5)
    subject = tiny_subject(network, 0.5, None)
    records = run_suite(subject, images, THREAT, seed=1, masking=True, transfer_from=rdi_tiny().eval())
    table = tabulate(records, network_cost(network))
    dynamic = {name: entry["value"] for name, entry in table["dynamic"].items()}
    assert surviving(records, UNION_ATTACKS).float().mean().item() <= min(dynamic[name] for name in ("main", "apgd-ce"))
    assert table["worstOfThree"]["value"] == min(dynamic[name] for name in ("main", "average", "max-average"))
    assert dynamic["clean"] >= table["worstOfThree"]["value"]
    assert table["cost"]["slowdownMacs"] >= table["cost"]["executedMacs"]
    assert sum(entry["share"] for entry in table["exits"]) == pytest.approx(1)
    assert set(table["masking"]) == {
        "pgd is no weaker than fgsm",
        "pgd-100 is no weaker than pgd",
        "a wide ball leaves (almost) nothing",
        "transfer is no stronger than white box",
    }
    survivors = attack_profiles(subject, images, THREAT, seed=1, done=records)
    profiles = tabulate_profiles(record_profiles(subject, images), survivors)
    assert profiles["full"]["minusFull"]["value"] == 0
    assert profiles["full"]["agrees"] == 1
    assert profiles["own"]["gateAware"] == table["gateAware"]
    assert profiles["full"]["gateAware"]["value"] <= profiles["full"]["accuracy"]["value"]
    assert profiles["own"]["executedMacs"] == table["cost"]["executedMacs"]
    report = {
        "command": "evaluate",
        "dataset": "stripes",
        "fromJpeg": False,
        "n": 60,
        "seed": 1,
        "threat": {"epsilon": 0.1, "step": 0.02, "steps": 5},
        "testImages": 60,
        "subjects": [
            {"name": name, "thresholds": [0.5, None], "profiles": profiles, "table": table} for name in ("one", "two")
        ],
        "comparison": compare(records, records, all_clean=(records["clean"], records["clean"])),
    }
    text = to_markdown(report)
    assert "| union of all attacks |" in text
    assert "executed on clean images: 100.0% of the other's" in text


def test_two_models_are_compared_each_under_the_attack_that_hurts_it_most() -> None:
    def under(right: dict[str, list[int]]) -> dict[str, Record]:
        answers = {name: torch.tensor(right.get(name, [1, 1, 1, 1])).bool() for name in ("clean", *UNION_ATTACKS)}
        return {
            name: Record(hits, hits, hits[None], torch.zeros(4, dtype=torch.long), executed_macs=1.0)
            for name, hits in answers.items()
        }

    first = under({"main": [0, 1, 1, 1], "average": [0, 0, 1, 1]})
    second = under({"max-average": [0, 0, 0, 1], "gate-aware margin": [0, 0, 0, 0]})
    all_clean = (first["clean"], dataclasses.replace(second["average"], executed_macs=4.0))
    comparison = compare(first, second, all_clean)
    values = {name: entry["value"] for name, entry in comparison["accuracy"].items()}
    assert values["main"] == -0.25
    assert values["worstOfThree"] == 0.25
    assert values["gateAware"] == 1
    assert values["union"] == 0.5
    assert comparison["executedRatio"] == 0.25


def test_the_same_seed_gives_the_same_records(network: MultiExitNetwork) -> None:
    images = draw_stripes(20, seed=5)
    subject = tiny_subject(network, 0.5, 0.5)
    first, second = (run_suite(subject, images, THREAT, seed=1, masking=False) for _ in range(2))
    assert all(torch.equal(first[name].right, second[name].right) for name in first)


def test_a_record_counts_what_was_executed(network: MultiExitNetwork) -> None:
    images = draw_stripes(20, seed=5)
    always_first = record(tiny_subject(network, 2.0, None), images.images, images.labels)
    assert always_first.executed_macs == network_cost(network).executed([True, False])[0]
    assert always_first.taken.tolist() == [0] * 20


@pytest.mark.skipif(
    "RDI_AUTHORS_CHECKPOINT" not in os.environ,
    reason="RDI_AUTHORS_CHECKPOINT does not point to the checkpoint of the RDI-Nets authors",
)
def test_authors_checkpoint_loads_completely() -> None:
    subject = load_authors(
        Path(os.environ["RDI_AUTHORS_CHECKPOINT"]), torch.randint(256, (70, 3, 32, 32), dtype=torch.uint8)
    )
    assert subject.network.exit_count == 7
    assert len(subject.gate.thresholds) == 6


def test_a_radius_of_ones_own_or_the_papers() -> None:
    assert threat_for("cifar10", None).steps == 20
    assert threat_for("pets", 0.02) == Threat(epsilon=0.02, step=0.005, steps=20)
    with pytest.raises(ValueError, match="--epsilon"):
        threat_for("pets", None)
