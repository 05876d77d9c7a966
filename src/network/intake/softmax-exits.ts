// Exits that end in a Softmax or LogSoftmax, as classifiers for one purpose often do. Exit policies take logits, so it is
// taken off: its input are the logits.
import { intAttribute } from '../../onnx/attributes.js';
import type { ModelProto, NodeProto } from '../../protobuf/onnx-ml_pb.js';
import type { ExitTensors } from '../cuts.js';

/** @returns the exits with their logits; the model is changed in place, and `notes` says where. */
export function takeOffSoftmax<Exit extends ExitTensors>(
  model: ModelProto,
  exits: readonly Exit[],
  notes: string[],
): Exit[] {
  return exits.map((exit) => {
    const found = softmaxAt(model.graph, exit.logits);
    const logits = found?.input[0];
    if (!found || logits === undefined || exits.some((one) => one.logits === logits)) return exit;
    replaceOutput(model, exit.logits, logits);
    notes.push(
      `Exit "${exit.name}" ended in a ${found.opType}. It was taken off; the logits are "${logits}", what went into it.`,
    );
    return { ...exit, logits };
  });
}

/** The Softmax that gives `tensor`, be it under another name. */
function softmaxAt(graph: ModelProto['graph'], tensor: string): NodeProto | undefined {
  const producer = graph?.node.find(({ output }) => output.includes(tensor));
  if (!producer || producer.domain) return undefined;
  if (producer.opType === 'Identity') {
    return softmaxAt(graph, producer.input[0] ?? '');
  }
  if (producer.opType !== 'Softmax' && producer.opType !== 'LogSoftmax') return undefined;
  // Logits have two axes; of older operators the default is 1, of newer ones -1.
  const axis = intAttribute(producer, 'axis') ?? 1;
  return axis === 1 || axis === -1 ? producer : undefined;
}

/** Nodes that only led to the old output go with it. */
function replaceOutput({ graph }: ModelProto, old: string, tensor: string): void {
  if (!graph) return;
  const isOutput = (name: string) => graph.output.some((one) => one.name === name);
  graph.output = graph.output.flatMap((one) => {
    if (one.name !== old) return [one];
    return isOutput(tensor) ? [] : [Object.assign(one, { name: tensor })];
  });
  for (let name: string | undefined = old; name !== undefined && name !== tensor && !isOutput(name); ) {
    const unused: string = name;
    const at = graph.node.findIndex(({ output }) => output.includes(unused));
    const isTaken = graph.node.some(({ input }) => input.includes(unused));
    if (at === -1 || isTaken) return;
    [name] = graph.node.splice(at, 1)[0]?.input ?? [];
  }
}
