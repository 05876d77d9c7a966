"""Content of calibration.json: named threshold vectors with what they do to the held-out images."""

from typing import Any

from .thresholds import Outcome, RecordedExits, cheapest

ALLOWED_LOSS = {"accurate": 0.0002, "balanced": 0.001, "fast": 0.005}
"""Accuracy that a profile may cost against the final exit, on held-out images. `full` exists by itself."""
DEFAULT_PROFILE = "balanced"


def choose_profiles(recorded: RecordedExits, images: int) -> dict[str, Any]:
    """Every profile's thresholds, chosen and measured on the recorded held-out images."""
    profiles = {}
    for name, allowed_loss in ALLOWED_LOSS.items():
        thresholds = cheapest(recorded, allowed_loss)
        profiles[name] = {
            "description": f"The cheapest thresholds found that cost at most {allowed_loss * 100:g} points of "
            "accuracy against the final exit, on held-out training images.",
            "policy": "entropy",
            "thresholds": thresholds,
            "source": {"data": "held-out training images", "n": images}
            | _measured(recorded.try_thresholds(thresholds), recorded),
        }
    return {"formatVersion": 1, "defaultProfile": DEFAULT_PROFILE, "profiles": profiles}


def _measured(outcome: Outcome, recorded: RecordedExits) -> dict[str, Any]:
    return {
        "accuracy": round(outcome.accuracy, 5),
        "finalExitAccuracy": round(outcome.accuracy + outcome.accuracy_loss, 5),
        "agreement": round(outcome.agreement, 5),
        "executedMacs": round(outcome.executed_macs),
        "fullMacs": recorded.cost.full,
        "exitShares": [round(share, 5) for share in outcome.exit_shares],
    }
