"""A suite's records as the numbers of the honest table, JSON-ready."""

import dataclasses
from typing import Any

import torch
from torch import Tensor

from ..cost import MIB, NetworkCost
from .intervals import paired_difference, share
from .records import Record
from .suite import GATE_AWARE, PAPER_ATTACKS, SLOWDOWN, UNION_ATTACKS, surviving


def tabulate(records: dict[str, Record], cost: NetworkCost) -> dict[str, Any]:
    """Dynamic accuracy under every attack, per-exit accuracies, cost and masking checks."""
    clean = records["clean"]
    exits = len(clean.exit_right)
    worst = _worst_of_three(records)
    published = torch.tensor(cost.published(), dtype=torch.float64) / MIB
    table: dict[str, Any] = {
        "n": len(clean.right),
        "dynamic": {
            name: dataclasses.asdict(share(entry.right))
            for name, entry in records.items()
            if not name.startswith("own exit")
        },
        "worstOfThree": {"attack": worst} | dataclasses.asdict(share(records[worst].right)),
        "gateAware": dataclasses.asdict(share(surviving(records, GATE_AWARE))),
        "union": dataclasses.asdict(share(surviving(records, UNION_ATTACKS))),
        "exits": [
            {
                "clean": dataclasses.asdict(share(clean.exit_right[index])),
                "ownExitPgd": dataclasses.asdict(share(records[f"own exit {index}"].exit_right[index])),
                "share": (clean.taken == index).float().mean().item(),
                "executedMacs": cost.executed()[index],
                "publishedMib": published[index].item(),
            }
            for index in range(exits)
        ],
        "cost": {
            "fullMacs": cost.full,
            "headShare": sum(cost.heads[:-1]) / cost.full,
            "executedMacs": clean.executed_macs,
            "executedShare": clean.executed_macs / cost.full,
            "publishedMib": published[clean.taken].mean().item(),
        },
    }
    if all(name in records for name in SLOWDOWN):
        table["cost"]["slowdownMacs"] = max(records[name].executed_macs for name in SLOWDOWN)
    if "fgsm" in records:
        table["masking"] = _masking(records)
    return table


def tabulate_profiles(records: dict[str, Record], survivors: dict[str, Tensor]) -> dict[str, Any]:
    """Every profile on clean images: accuracy, that minus the accuracy of `full` (paired), cost, exits taken.

    `survivors`, from attack_profiles, adds how many of the attacked images are still answered rightly.
    """
    return {
        name: {
            "accuracy": dataclasses.asdict(share(entry.right)),
            "minusFull": dataclasses.asdict(paired_difference(entry.right, records["full"].right)),
            "agrees": entry.agrees.float().mean().item(),
            "gateAware": dataclasses.asdict(share(survivors[name])),
            "executedMacs": entry.executed_macs,
            "exitShares": (torch.bincount(entry.taken, minlength=len(entry.exit_right)) / len(entry.taken)).tolist(),
        }
        for name, entry in records.items()
    }


def compare(first: dict[str, Record], second: dict[str, Record], all_clean: tuple[Record, Record]) -> dict[str, Any]:
    """First minus second on the same images: accuracy per attack; on all clean test images also mean executed MACs."""
    attacks = [name for name in first if name in second and not name.startswith("own exit")]
    pairs = {name: (first[name].right, second[name].right) for name in attacks} | {
        "allClean": tuple(entry.right for entry in all_clean),
        "worstOfThree": (first[_worst_of_three(first)].right, second[_worst_of_three(second)].right),
        "gateAware": (surviving(first, GATE_AWARE), surviving(second, GATE_AWARE)),
        "union": (surviving(first, UNION_ATTACKS), surviving(second, UNION_ATTACKS)),
    }
    accuracy = {name: dataclasses.asdict(paired_difference(*pair)) for name, pair in pairs.items()}
    executed = tuple(entry.executed_macs for entry in all_clean)
    return {"accuracy": accuracy, "executedMacs": executed, "executedRatio": executed[0] / executed[1]}


def _worst_of_three(records: dict[str, Record]) -> str:
    return min(PAPER_ATTACKS, key=lambda name: records[name].right.sum().item())


def _masking(records: dict[str, Record]) -> dict[str, bool]:
    """Signs of honest gradients, all at the final exit; False calls for a closer look."""
    final = {name: entry.exit_right[-1].sum().item() for name, entry in records.items()}
    n = len(records["clean"].right)
    checks = {
        "pgd is no weaker than fgsm": final["main"] <= final["fgsm"],
        "pgd-100 is no weaker than pgd": final["pgd-100"] <= final["main"] + 0.01 * n,
        "a wide ball leaves (almost) nothing": final["wide ball"] <= 0.02 * n,
    }
    if "transfer" in final:
        checks["transfer is no stronger than white box"] = final["transfer"] >= final["main"]
    return checks
