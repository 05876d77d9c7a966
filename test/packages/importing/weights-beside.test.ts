// Models whose weights lie in files beside them: taken in, or refused with the file and what is wrong with it.
import assert from 'node:assert/strict';
import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { clearField, create } from '@bufbuild/protobuf';
import { createEngine } from '../../../src/engines/onnx.js';
import { decodeModel, encodeModel } from '../../../src/onnx/proto.js';
import { importPackage } from '../../../src/packages/import.js';
import {
  type StringStringEntryProto,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from '../../../src/protobuf/onnx-ml_pb.js';
import { writeTestExport } from '../../support/packages/network.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** The test network as torch exports it: the weights in model.onnx.data. @param change edits each tensor in place. */
async function exportBeside(
  change: (tensor: TensorProto, entries: StringStringEntryProto[]) => void = () => {},
) {
  const folder = temporaryFolder();
  const source = join(folder, 'export');
  await writeTestExport(source, { size: 8, width: 4 });
  const path = join(source, 'model.onnx');
  const whole = await readFile(path);
  const model = decodeModel(whole);
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const tensor of model.graph?.initializer ?? []) {
    const data = Uint8Array.from(tensor.rawData);
    const entries = [
      { key: 'location', value: 'model.onnx.data' },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(data.length) },
    ];
    clearField(tensor, TensorProtoSchema.field.rawData);
    tensor.externalData = entries.map((entry) => create(StringStringEntryProtoSchema, entry));
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
    change(tensor, tensor.externalData);
    parts.push(data);
    offset += data.length;
  }
  await writeFile(path, encodeModel(model));
  const data = join(source, 'model.onnx.data');
  await writeFile(data, Buffer.concat(parts));
  const output = join(folder, 'models');
  const run = () => importPackage({ source, output, force: false, engine: createEngine() });
  return { source, data, whole, run };
}

describe('weights beside the model', () => {
  it('become part of the package’s model.onnx', async () => {
    const { whole, run } = await exportBeside();
    const { directory, manifest } = await run();
    const weights = (bytes: Uint8Array) =>
      decodeModel(bytes).graph?.initializer.map(({ name, rawData }) => [name, Buffer.from(rawData)]);
    assert.deepEqual(weights(await readFile(join(directory, 'model.onnx'))), weights(whole));
    assert.deepEqual(Object.keys(manifest.files).sort(), ['golden.json', 'model.onnx']);
  });

  it('are found by a path that starts with the folder itself', async () => {
    const { run } = await exportBeside((_, [location]) => {
      if (location) location.value = './model.onnx.data';
    });
    await run();
  });

  it('are refused if the file is not there, with what to do', async () => {
    const { data, run } = await exportBeside();
    await rm(data);
    await assert.rejects(run(), {
      name: 'PackageError',
      message:
        /stores weights in a separate file: model\.onnx\.data is missing\. Copy that file .* external_data=False\.$/,
    });
  });

  it('are refused if the file is too short', async () => {
    const { data, run } = await exportBeside();
    const bytes = await readFile(data);
    await writeFile(data, bytes.subarray(0, bytes.length - 4));
    await assert.rejects(run(), {
      name: 'PackageError',
      message:
        /tensor "logits_2_bias" takes the bytes \d+ to \d+ of model\.onnx\.data, which has \d+ bytes\. Export /,
    });
  });

  it('are refused if their length is not that of their shape', async () => {
    const { run } = await exportBeside((tensor, entries) => {
      if (tensor.name === 'logits_0_bias') Object.assign(entries[2] ?? {}, { value: '36' });
    });
    await assert.rejects(run(), {
      name: 'PackageError',
      message: /tensor "logits_0_bias" takes .* needs 40 bytes\. Export /,
    });
  });

  for (const offset of ['-4', '1e3', '', '99999999999999999999']) {
    it(`are refused with the offset "${offset}"`, async () => {
      const { run } = await exportBeside((_, entries) => {
        Object.assign(entries[1] ?? {}, { value: offset });
      });
      await assert.rejects(run(), {
        message: /the offset of tensor "stem_weight" .* is not a number of bytes\.$/,
      });
    });
  }

  for (const location of ['../model.onnx.data', '/etc/hostname', '']) {
    it(`are refused outside the folder: "${location}"`, async () => {
      const { run } = await exportBeside((_, entries) => {
        Object.assign(entries[0] ?? {}, { value: location });
      });
      await assert.rejects(run(), { name: 'PackageError', message: /is not a path inside the package\./ });
    });
  }

  it('are refused behind a link that leads out of the folder', async () => {
    const { source, data, run } = await exportBeside();
    await rm(data);
    await writeFile(join(source, '..', 'elsewhere'), 'weights');
    await symlink(join(source, '..', 'elsewhere'), data);
    await assert.rejects(run(), {
      name: 'PackageError',
      message: /is a link that leads out of the package\./,
    });
  });
});
