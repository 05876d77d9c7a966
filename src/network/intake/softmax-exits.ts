// Removes a Softmax or LogSoftmax at the end of an exit, which many classifiers have. Exit policies take logits, and
// these are the input of the removed operator.
import { intAttribute } from '../../onnx/attributes.js';
import type { ModelProto, NodeProto } from '../../protobuf/onnx-ml_pb.js';
import type { DescribedExit } from './described-exit.js';

/** Changes the model in place, and adds a note for each change. @returns the exits with their logits */
export function takeOffSoftmax<Exit extends DescribedExit>(
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
      `Exit "${exit.name}" ended in a ${found.opType}, which was removed; the logits are its input, "${logits}".`,
    );
    return { ...exit, logits };
  });
}

/** The Softmax or LogSoftmax whose output is `tensor`, directly or through Identity nodes. */
function softmaxAt(graph: ModelProto['graph'], tensor: string): NodeProto | undefined {
  const producer = graph?.node.find(({ output }) => output.includes(tensor));
  if (!producer || producer.domain) return undefined;
  if (producer.opType === 'Identity') {
    return softmaxAt(graph, producer.input[0] ?? '');
  }
  if (producer.opType !== 'Softmax' && producer.opType !== 'LogSoftmax') return undefined;
  // Logits have two axes, so both defaults are the last axis: 1 in older versions of the operators, -1 in newer ones.
  const axis = intAttribute(producer, 'axis') ?? 1;
  return axis === 1 || axis === -1 ? producer : undefined;
}

/** Makes `tensor` the output instead of `old`, and removes the nodes that only `old` needed. */
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
