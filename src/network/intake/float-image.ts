// Changes the type of a graph's image to float32. The graph then converts the image to its original type.
import { PackageError } from '../../foundation/errors.js';
import { intAttribute } from '../../onnx/attributes.js';
import { floatScalar, operator } from '../../onnx/build.js';
import { declaredType } from '../../onnx/graph.js';
import type { ModelProto, NodeProto } from '../../protobuf/onnx-ml_pb.js';
import { BFLOAT16, FLOAT16, FLOAT32, FLOAT64, typeName, UINT8 } from './element-types.js';

const CONVERTED = 'rdi-serve/image';

/**
 * Changes the model in place, and adds a note.
 * @param isUnit whether the values of the input are from 0 to 1
 * @throws PackageError if the graph takes bytes, but the description normalises pixels differently
 */
export function makeImageFloat(model: ModelProto, image: string, isUnit: boolean, notes: string[]): void {
  const { graph } = model;
  const info = graph?.input.find(({ name }) => name === image);
  const type = info && declaredType(info);
  const elementType = type?.elemType ?? FLOAT32;
  if (!graph || !type || ![FLOAT16, FLOAT64, UINT8].includes(elementType)) return;
  const added: NodeProto[] = [];
  let from = image;
  if (elementType === UINT8) {
    if (!isUnit) {
      throw new PackageError(
        `Input "${image}" of model.onnx takes pixels as bytes and scales them itself; describe mean 0 and std 1.`,
      );
    }
    graph.initializer = [...graph.initializer, floatScalar('rdi-serve/white', 255)];
    added.push(
      operator('Mul', [image, 'rdi-serve/white'], 'rdi-serve/scaled'),
      operator('Round', ['rdi-serve/scaled'], 'rdi-serve/levels'),
    );
    from = 'rdi-serve/levels';
  }
  added.push(operator('Cast', [from], CONVERTED, { to: elementType }));
  for (const node of graph.node) {
    node.input = node.input.map((name) => (name === image ? CONVERTED : name));
  }
  graph.node = [...added, ...graph.node];
  type.elemType = FLOAT32;
  notes.push(
    `The input "${image}" is ${typeName(elementType)} in the file; it takes float32 now, and the graph converts it.`,
  );
}

/** Whether a model uses another floating-point type than float32 anywhere, so that its cuts may have that type. */
export function hasOtherFloats({ graph }: ModelProto): boolean {
  const others = [FLOAT16, FLOAT64, BFLOAT16];
  return (
    (graph?.initializer ?? []).some(({ dataType }) => others.includes(dataType)) ||
    (graph?.node ?? []).some(
      (node) => node.opType === 'Cast' && others.includes(intAttribute(node, 'to') ?? 0),
    )
  );
}
