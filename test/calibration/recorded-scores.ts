// What every exit of the shipped model said about the 5,000 images that its training held out: per exit the label
// (uint8) and the normalised entropy (float32) of each image. Numbers derived from the images, not the images.
//
// Made anew by `node dist/test/calibration/recorded-scores.js SCORES`, from what `rdi-serve calibrate --scores` keeps.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { createExitTable, type ExitTable } from '../../src/calibration/exit-table.js';
import { decodeScores } from '../../src/calibration/scores-file.js';

const file = join(import.meta.dirname, '../../../test/calibration/mnist-smallcnn-held-out.gz');
const EXITS = 3;
const BYTES_PER_IMAGE = EXITS * (1 + Float32Array.BYTES_PER_ELEMENT);

export function readRecordedScores(): ExitTable {
  const bytes = gunzipSync(readFileSync(file));
  const images = bytes.length / BYTES_PER_IMAGE;
  const scoresAt = EXITS * images;
  const exits = Array.from({ length: EXITS }, (_, exit) => exit);
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

function writeRecordedScores({ labels, scores }: ExitTable): void {
  const parts = [
    ...labels.map((row) => Uint8Array.from(row)),
    ...scores.map((row) => new Uint8Array(Float32Array.from(row).buffer)),
  ];
  writeFileSync(file, gzipSync(Buffer.concat(parts), { level: 9 }));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeRecordedScores(createExitTable(decodeScores(readFileSync(process.argv[2] ?? '')), 'entropy'));
}
