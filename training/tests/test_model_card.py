"""The card says what every run that made the weights did."""

import dataclasses

from rdi_training.cost import network_cost
from rdi_training.export.model_card import model_card
from rdi_training.networks.tiny import rdi_tiny
from rdi_training.training.config import Phase, TrainingConfig
from rdi_training.training.record import TrainingRecord


def card(runs: list[TrainingRecord]) -> str:
    """Of a tiny network that these runs trained."""
    calibration = {"profiles": {}}
    cost = network_cost(rdi_tiny())
    return model_card(
        runs, "rdi-tiny", cost, calibration, hardware="a CPU", command="export", from_jpeg=False, report=None
    )


def test_one_run(config: TrainingConfig) -> None:
    text = card([TrainingRecord(config, epochs=2, seconds=120)])
    assert "2 epochs, batches of 32" in text
    assert "2 minutes on a CPU" in text
    assert "Run 1" not in text
    assert "not finished" not in text


def test_a_run_that_went_on_from_another(config: TrainingConfig) -> None:
    phases = (Phase(2, 0, 0, 0, 0, side=8), Phase(1, 3, 0.5, 0.02, 0.02))
    second = dataclasses.replace(
        config, phases=phases, carry_perturbations=False, final_attack_share=0.4, adversarial_share=0.75
    )
    text = card([TrainingRecord(config, 2, 120), TrainingRecord(second, 1, 240, extra_steps=1)])
    assert "Run 1: 2 epochs, batches of 32" in text
    assert "Run 2: 1 epoch, batches of 32" in text
    assert "2 epochs without adversarial copies, on images scaled to 8 × 8; 1 epoch with 3 steps of 0.5 ε" in text
    assert text.count("half against the average of the exits and half against one exit") == 1
    assert "40% against the final exit, 30% against the average of the exits and 30% against one exit: 2" in text
    assert text.count("In the loss, clean images weigh 25% and their copies 75%.") == 1
    assert "The collapse guard added 1 steps" in text
    assert "6 minutes on a CPU" in text
    assert "Training is not finished: 1 of 3 epochs." in text
