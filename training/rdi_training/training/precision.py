"""Which number format a run computes in; weights, losses and the optimiser stay fp32."""

from contextlib import AbstractContextManager

import torch


def resolve_precision(wanted: str, device: torch.device) -> str:
    """ "auto" is bf16 where the hardware multiplies bf16 natively, else fp32 (emulated bf16 is ten times slower)."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    native = device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return "bf16" if native else "fp32"


def computing_in(precision: str, device: torch.device) -> AbstractContextManager[None]:
    """Autocast to bf16, or nothing."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
