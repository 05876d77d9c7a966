// Loads TensorFlow in a process of its own and says on what it would compute; started by probe.ts. Loading it takes
// gigabytes of address space and can end the process, neither of which the service should pay for to know.
import process from 'node:process';
import { applyEnvironment, environmentFor, loadTensorFlow, usesGpu } from './bindings.js';

const [, , device = 'auto'] = process.argv;
applyEnvironment(environmentFor(device === 'cpu' ? 'cpu' : 'auto', 1));
const tensorflow = loadTensorFlow();
process.send?.({ gpu: usesGpu(tensorflow) });
