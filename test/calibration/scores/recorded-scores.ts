// What every exit of a shipped model said about the 5,000 images that its training held out: per exit the label
// (uint8) and the normalised entropy (float32) of each image. Numbers derived from the images, not the images.
//
// Made anew by `node dist/test/calibration/scores/recorded-scores.js MODEL SCORES`, from what `rdi-serve calibrate --scores` keeps.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { createExitTable, type ExitTable } from '../../../src/calibration/scores/exit-table.js';
import { decodeScores } from '../../../src/calibration/scores/scores-file.js';

const fileOf = (model: string): string =>
  join(import.meta.dirname, `../../../../test/calibration/scores/${model}-held-out.gz`);

/** @param exitCount the model's exits, the final one included */
export function readRecordedScores(model: string, exitCount: number): ExitTable {
  const bytes = gunzipSync(readFileSync(fileOf(model)));
  const images = bytes.length / (exitCount * (1 + Float32Array.BYTES_PER_ELEMENT));
  const scoresAt = exitCount * images;
  const exits = Array.from({ length: exitCount }, (_, exit) => exit);
  return {
    policy: 'entropy',
    images,
    labels: exits.map((exit) => Int32Array.from(bytes.subarray(exit * images, (exit + 1) * images))),
    scores: exits.map((exit) =>
      Float64Array.from({ length: images }, (_, image) =>
        bytes.readFloatLE(scoresAt + Float32Array.BYTES_PER_ELEMENT * (exit * images + image)),
      ),
    ),
  };
}

function writeRecordedScores(model: string, { labels, scores }: ExitTable): void {
  const parts = [
    ...labels.map((row) => Uint8Array.from(row)),
    ...scores.map((row) => new Uint8Array(Float32Array.from(row).buffer)),
  ];
  writeFileSync(fileOf(model), gzipSync(Buffer.concat(parts), { level: 9 }));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [model = '', scores = ''] = process.argv.slice(2);
  writeRecordedScores(model, createExitTable(decodeScores(readFileSync(scores)), 'entropy'));
}
