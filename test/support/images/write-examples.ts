// Writes the example images into docs/examples. Run: npm run build && node dist/test/support/images/write-examples.js
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { drawExamples } from './draw-digits.js';

const folder = path.resolve(import.meta.dirname, '../../../../docs/examples');
for (const [name, image] of await drawExamples()) await writeFile(path.join(folder, name), image);
