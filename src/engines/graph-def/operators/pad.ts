// Padding, by the Pad operator, for pooling and for depthwise convolutions.
import { floatAttribute, intsAttribute, stringAttribute } from '../../../onnx/attributes.js';
import { DataType } from '../../../protobuf/saved_model_pb.js';
import type { GraphBuilder } from '../graph-def.js';
import { axesOf, inOrderHere, type OperatorRule, refuse, weights } from './rule.js';

/**
 * Surrounds a tensor with `value`.
 * @param extents before and after each axis, batch included, in one list.
 */
export function pad(build: GraphBuilder, node: string, extents: readonly number[], value: number): string {
  const table = build.integers(extents, [extents.length / 2, 2]);
  return build.add('PadV2', [node, table, build.floats(Float32Array.of(value), [])], {
    Tpaddings: { type: DataType.DT_INT32 },
  });
}

const padding: OperatorRule = (context) => {
  const { node, build } = context;
  const input = context.value(0);
  const rank = input.shape.length;
  if ((stringAttribute(node.proto, 'mode') ?? 'constant') !== 'constant')
    refuse(node, 'pads with other values than one constant');
  const given = intsAttribute(node.proto, 'pads') ?? [...weights(context, 1).values];
  const axes = axesOf(context, 3, rank) ?? given.slice(given.length / 2).map((_, axis) => axis);
  const table = Array.from({ length: rank }, (): number[] => [0, 0]);
  axes.forEach((axis, index) => {
    table[axis] = [given[index] as number, given[index + axes.length] as number];
  });
  if (table.flat().some((extent) => extent < 0)) refuse(node, 'pads by a negative extent, which cuts off');
  const value = node.inputs[2] ? weights(context, 2).values[0] : floatAttribute(node.proto, 'value');
  return pad(build, input.node, inOrderHere(table).flat(), value ?? 0);
};

export const padRules: Readonly<Record<string, OperatorRule>> = { Pad: padding };
