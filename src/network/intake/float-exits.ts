// Converts logits and cuts to float32, the type that stages exchange. A cut is converted back for the nodes that take
// it. No answer changes, because float32 can represent every half-precision number.
import type { Engine } from '../../engines/engine.js';
import { PackageError } from '../../foundation/errors.js';
import { operator, untypedOutput, withGraph } from '../../onnx/build.js';
import { declaredType } from '../../onnx/graph.js';
import { encodeModel } from '../../onnx/proto.js';
import type { ModelProto } from '../../protobuf/onnx-ml_pb.js';
import { cutsOf, type DescribedExit } from './described-exit.js';
import { BFLOAT16, elementTypes, FLOAT16, FLOAT32, typeName } from './element-types.js';

/** Types whose values can all be represented in float32. */
const NARROWER = [FLOAT16, BFLOAT16];

/** Changes the model in place, and adds a note for each change. @returns the exits with their tensors in float32 */
export async function makeExitsFloat<Exit extends DescribedExit>(
  engine: Engine,
  model: ModelProto,
  exits: readonly Exit[],
  notes: string[],
): Promise<Exit[]> {
  const types = await typesOf(engine, model, exits);
  const inFloat = (tensor: string, isCut: boolean): string => {
    const elementType = types.get(tensor) ?? FLOAT32;
    if (elementType === FLOAT32) return tensor;
    if (!NARROWER.includes(elementType)) {
      throw new PackageError(
        `"${tensor}" of model.onnx is ${typeName(elementType)}; cuts and logits must be float32, float16 or bfloat16.`,
      );
    }
    const converted = `${tensor}/float32`;
    insertCasts(model, tensor, converted, elementType, isCut);
    notes.push(
      `"${tensor}" is ${typeName(elementType)} in the file; the exit uses "${converted}", its float32 copy.`,
    );
    return converted;
  };
  return exits.map((exit) => ({
    ...exit,
    logits: inFloat(exit.logits, false),
    ...(exit.cut !== undefined && { cut: cutsOf(exit).map((cut) => inFloat(cut, true)) }),
  }));
}

async function typesOf(
  engine: Engine,
  model: ModelProto,
  exits: readonly DescribedExit[],
): Promise<Map<string, number>> {
  const made = new Set(model.graph?.node.flatMap(({ output }) => output));
  const wanted = exits.flatMap((exit) => [exit.logits, ...cutsOf(exit)]).filter((name) => made.has(name));
  const output = [...new Set(wanted)].map(untypedOutput);
  const examined = await engine.examine?.(encodeModel(withGraph(model, { output, valueInfo: [] })));
  await examined?.release();
  return new Map([...(examined?.types ?? [])].map(([name, type]) => [name, elementTypes.get(type) ?? 0]));
}

function insertCasts(
  { graph }: ModelProto,
  tensor: string,
  converted: string,
  elementType: number,
  isCut: boolean,
): void {
  const at = graph?.node.findIndex(({ output }) => output.includes(tensor)) ?? -1;
  if (!graph || at === -1) return;
  const back = `${tensor}/back`;
  if (isCut) {
    for (const node of graph.node) node.input = node.input.map((name) => (name === tensor ? back : name));
  }
  const casts = [operator('Cast', [tensor], converted, { to: FLOAT32 })];
  if (isCut) casts.push(operator('Cast', [converted], back, { to: elementType }));
  graph.node.splice(at + 1, 0, ...casts);
  for (const output of graph.output) {
    if (output.name !== tensor || isCut) continue;
    output.name = converted;
    const type = declaredType(output);
    if (type) type.elemType = FLOAT32;
  }
}
