// Loads TensorFlow in a separate process, runs one convolution, and reports whether it used a GPU; started by probe.ts.
// Loading TensorFlow takes much address space and can crash the process, so the service does not do it for a check.
import process from 'node:process';
import { createGraphBuilder } from '../graph-def/graph-def.js';
import { applyEnvironment, environmentFor, loadTensorFlow, usesGpu } from './bindings.js';
import { loadConverted } from './engine.js';

const [, , device = 'auto'] = process.argv;
applyEnvironment(environmentFor(device === 'cpu' ? 'cpu' : 'auto', 1));
const tensorflow = loadTensorFlow();

const build = createGraphBuilder();
const input = { node: build.placeholder([2, 2, 1]), shape: [2, 2, 1] };
const filter = build.floats(Float32Array.of(1, 2, 3, 4), [2, 2, 1, 1]);
const node = build.add('Conv2D', [input.node, filter], { strides: [1, 1, 1, 1], padding: 'VALID' });
const signatures = [{ input, logits: { node, shape: [1, 1, 1] } }];
const [segment] = await loadConverted(tensorflow, { nodes: build.nodes, signatures });
const output = await segment?.run(Float32Array.of(1, 10, 100, 1000), 1);
if (output?.logits[0] !== 4321) throw new Error(`it computes ${output?.logits[0]} instead of 4321`);

process.send?.({ gpu: usesGpu(tensorflow) });
