"""Turns ONNX's own tests of operators into graphs that take a batch of images, one file each.

usage: python node_tests.py FOLDER
The first input of float values becomes the image, with a batch of any size; all others become constants, or follow from the
image where they have a row for each entry of its batch.
"""

import re
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases

#: What no classifier holds: training, text, sequences, graphs inside operators, random numbers, detection, signals.
LEFT_OUT = re.compile(
    "Adagrad|Adam|Gradient|Momentum|Loss|String|Regex|TfIdf|Sequence|Optional|^If$|Loop|Scan|Random|Bernoulli|Multinomial"
    "|ImageDecoder|NonMaxSuppression|RoiAlign|MaxUnpool|Unique|NonZero|Compress|DFT|STFT|Window|MelWeight|^Det$|^Range$|OneHot"
    "|TensorScatter|CausalConvWithState|LinearAttention|FlexAttention"
)
#: Both operands have a row for each entry of the batch.
BATCHED = {"MatMul", "Attention", "Einsum"}


def main(folder: Path) -> None:
    left_out = 0
    for case in collect_testcases(None):
        operators = [node.op_type for node in case.model.graph.node]
        domains = {node.domain for node in case.model.graph.node}
        if any(LEFT_OUT.search(name) for name in operators) or domains != {""}:
            left_out += 1
            continue
        model = with_image(case.model, case.data_sets[0][0])
        if model is None:
            left_out += 1
            continue
        (folder / f"{case.name}.onnx").write_bytes(model.SerializeToString())
    print(f"{left_out} of ONNX's node tests hold no operator on a batch of values that a classifier may have")


def with_image(tested: onnx.ModelProto, values: list) -> onnx.ModelProto | None:
    model = onnx.ModelProto()
    model.CopyFrom(tested)
    graph = model.graph
    inputs = [one for one in graph.input if one.name]
    pairs = list(zip(inputs, values))
    if len(pairs) != len(inputs) or not all(isinstance(value, np.ndarray) for value in values):
        return None
    found = [(info, value) for info, value in pairs if value.dtype == np.float32 and value.ndim > 1]
    if not found:
        return None
    image, example = found[0]
    same = {info.name for info, value in found if value.shape == example.shape}
    first = {node.op_type for node in graph.node} if len(graph.node) == 1 else {tested.graph.name.split("_")[1].title()}
    for info, value in pairs:
        if info.name in same:
            continue
        is_batched = value.dtype == np.float32 and value.ndim > 2 and value.shape[0] == example.shape[0]
        if is_batched and first & BATCHED:
            follow(graph, image.name, info.name, value)
        else:
            graph.initializer.append(numpy_helper.from_array(value, info.name))
    for node in graph.node:
        node.input[:] = [image.name if name in same else name for name in node.input]
    del graph.input[:], graph.value_info[:]
    graph.input.append(helper.make_tensor_value_info(image.name, TensorProto.FLOAT, ["batch", *example.shape[1:]]))
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    return model


def follow(graph: onnx.GraphProto, image: str, name: str, value: np.ndarray) -> None:
    """Gives `name` the first entry of `value` for each image."""
    graph.initializer.extend([
        numpy_helper.from_array(np.array([1]), f"{name}/axes"),
        numpy_helper.from_array(np.array([-1, *[1] * (value.ndim - 1)]), f"{name}/shape"),
        numpy_helper.from_array(value[:1], f"{name}/entry"),
    ])
    nodes = [
        helper.make_node("Flatten", [image], [f"{name}/rows"], axis=1),
        helper.make_node("ReduceSum", [f"{name}/rows", f"{name}/axes"], [f"{name}/sums"], keepdims=1),
        helper.make_node("Reshape", [f"{name}/sums", f"{name}/shape"], [f"{name}/column"]),
        helper.make_node("Add", [f"{name}/column", f"{name}/entry"], [name]),
    ]
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main(Path(sys.argv[1]))
