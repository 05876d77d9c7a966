"""The honest table for people to read."""

from typing import Any

from ..markdown_table import markdown_table

ROWS = {
    "clean": "clean",
    "main": "main branch",
    "average": "average",
    "max-average": "max-average",
    "gate-aware loss": "gate-aware, loss",
    "gate-aware margin": "gate-aware, margin",
    "apgd-ce": "APGD-CE on the final exit",
    "apgd-dlr": "APGD-DLR on the final exit",
    "slowdown, uniform": "slowdown, towards uniform (accuracy under it)",
    "slowdown, gate-aware": "slowdown, gate-aware (accuracy under it)",
}
SUMMARIES = {
    "worstOfThree": "worst of the three paper attacks",
    "gateAware": "gate-aware, the worse of both per image",
    "union": "union of all attacks",
}


def to_markdown(report: dict[str, Any]) -> str:
    """Render what `evaluate` also writes as JSON."""
    subjects = report["subjects"]
    names = [subject["name"] for subject in subjects]
    tables = [subject["table"] for subject in subjects]
    parts = []
    for subject in subjects:
        parts.append(
            f"Profiles of {subject['name'].partition(',')[0]} on all {report['testImages']} clean test images, and on "
            f"{report['n']} of them under both gate-aware attacks, each aimed at the profile's own thresholds:"
        )
        parts.append(_profiles(subject))
    parts.append(_conditions(report))
    rows = [
        [label, *(_share(entry["dynamic"].get(key)) for entry in tables)]
        for key, label in ROWS.items()
        if any(key in entry["dynamic"] for entry in tables)
    ]
    rows += [[label, *(_share(entry[key]) for entry in tables)] for key, label in SUMMARIES.items()]
    rows += [
        ["executed on clean images (M MACs)", *(_macs(entry, "executedMacs") for entry in tables)],
        ["as the paper counts (2²⁰)", *(f"{entry['cost']['publishedMib']:.2f}" for entry in tables)],
        ["executed under the worse slowdown (M MACs)", *(_macs(entry, "slowdownMacs") for entry in tables)],
        ["backbone with its final exit (M MACs)", *(_macs(entry, "fullMacs") for entry in tables)],
    ]
    parts.append(markdown_table(["accuracy of the dynamic answer, 95 % interval", *names], rows))
    for name, entry in zip(names, tables, strict=True):
        parts.append(f"Exits of {name}, on these images:")
        parts.append(_exits(entry))
        if "masking" in entry:
            checks = "; ".join(f"{check}: {'yes' if good else '**no**'}" for check, good in entry["masking"].items())
            parts.append(f"Masking checks: {checks}.")
    if "comparison" in report:
        parts.append(_comparison(report["comparison"], names))
    return "\n\n".join(parts) + "\n"


def _conditions(report: dict[str, Any]) -> str:
    threat = report["threat"]
    jpeg = " (a JPEG re-encoding, a little lossy)" if report["fromJpeg"] else ""
    return (
        f"{report['n']} test images of {report['dataset']}{jpeg}, drawn with seed {report['seed']}; L∞ radius "
        f"{threat['epsilon']:.4g}, step {threat['step']:.4g}, {threat['steps']} steps, one random start, fp32. "
        f"Command: `{report['command']}`"
    )


def _share(value: dict[str, Any] | None) -> str:
    if value is None:
        return "n/a"
    return f"{value['value']:.1%} ({value['low']:.1%} to {value['high']:.1%})"


def _macs(entry: dict[str, Any], key: str) -> str:
    macs = entry["cost"].get(key)
    return "n/a" if macs is None else f"{macs / 1e6:.2f} ({macs / entry['cost']['fullMacs']:.0%})"


def _profiles(subject: dict[str, Any]) -> str:
    full_macs = subject["table"]["cost"]["fullMacs"]
    return markdown_table(
        [
            "profile",
            "accuracy, 95 % interval",
            "minus full (points)",
            "agrees with full",
            "gate-aware",
            "executed",
            "images leaving at exit 0, 1, …",
        ],
        [
            [
                name,
                f"{values['accuracy']['value']:.2%} "
                f"({values['accuracy']['low']:.2%} to {values['accuracy']['high']:.2%})",
                f"{values['minusFull']['value'] * 100:+.2f} "
                f"({values['minusFull']['low'] * 100:+.2f} to {values['minusFull']['high'] * 100:+.2f})",
                f"{values['agrees']:.2%}",
                _share(values["gateAware"]),
                f"{values['executedMacs'] / 1e6:.2f} M MACs ({values['executedMacs'] / full_macs:.1%})",
                ", ".join(f"{share:.1%}" for share in values["exitShares"]),
            ]
            for name, values in subject["profiles"].items()
        ],
    )


def _exits(entry: dict[str, Any]) -> str:
    return markdown_table(
        [
            "exit",
            "clean",
            "PGD on this exit",
            "images leaving (clean)",
            "executed, all active (M MACs)",
            "paper's count (2²⁰)",
        ],
        [
            [
                str(index),
                f"{values['clean']['value']:.1%}",
                f"{values['ownExitPgd']['value']:.1%}",
                f"{values['share']:.1%}",
                f"{values['executedMacs'] / 1e6:.2f}",
                f"{values['publishedMib']:.2f}",
            ]
            for index, values in enumerate(entry["exits"])
        ],
    )


def _comparison(comparison: dict[str, Any], names: list[str]) -> str:
    rows = [
        [label, f"{value['value']:+.2%}", f"{value['low']:+.2%} to {value['high']:+.2%}", f"{value['p']:.3g}"]
        for key, label in ({"allClean": "clean, all test images"} | ROWS | SUMMARIES).items()
        if (value := comparison["accuracy"].get(key))
    ]
    head = ["accuracy", f"{names[0]} minus {names[1]}", "95 % interval", "p (McNemar, exact)"]
    conditions = f"Paired, image by image; executed on clean images: {comparison['executedRatio']:.1%} of the other's."
    return f"{conditions}\n\n{markdown_table(head, rows)}"
