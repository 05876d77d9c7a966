// The import command: its arguments, what it prints, and its help.
import assert from 'node:assert/strict';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { importCommand } from '../../src/cli/import.js';
import { loadPackage } from '../../src/packages/package.js';
import { costTable } from '../../src/report/cost-table.js';
import { textured } from '../support/images/images.js';
import { buildTestNetwork, writeTestExport } from '../support/packages/network.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describe('rdi-serve import', () => {
  it('makes a package and shows what its exits cost', async (t) => {
    const folder = temporaryFolder();
    const [source, output] = [join(folder, 'export'), join(folder, 'models')];
    await writeTestExport(source, { size: 16, width: 8 });
    const written = t.mock.method(process.stdout, 'write', () => true);
    await importCommand().parseAsync([source, '--output', output], { from: 'user' });
    written.mock.restore();

    const printed = written.mock.calls.map((call) => String(call.arguments[0])).join('');
    const { directory, manifest } = await loadPackage(join(output, 'tiny', '1'));
    assert.ok(printed.startsWith(`${directory}\n`));
    assert.ok(printed.includes(costTable(manifest)));
    assert.match(printed, /^Profiles: full \(default full\)\.$/m);
    assert.match(printed, /^Golden outputs: made here, from synthetic images\.$/m);
    assert.match(
      printed,
      /^Every image runs to the final exit until thresholds are chosen: rdi-serve calibrate/m,
    );
    assert.ok(printed.endsWith(`To serve it: rdi-serve serve --models ${output}\n`));
  });

  it('takes a file alone with its classes, two of which have one name, and with images of the user', async (t) => {
    const folder = temporaryFolder();
    const [source, labels, image] = ['net.onnx', 'labels.txt', 'photo.png'].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    await writeFile(source, buildTestNetwork({ size: 8, width: 4 }).model);
    const names = Array.from({ length: 10 }, (_, index) => (index % 7 === 0 ? 'crane' : `class ${index}`));
    await writeFile(labels, names.join('\n'));
    await textured(20, 30, 3).png().toFile(image);
    const examples = join(folder, 'examples');
    await mkdir(join(examples, 'class 3'), { recursive: true });
    await copyFile(image, join(examples, 'class 3', 'photo.png'));
    const flags = [
      ...['--classes', labels, '--preprocess', 'unit', '--golden-images', image],
      ...['--expects', 'A photograph.', '--examples', examples],
    ];
    const run = (...more: string[]) =>
      importCommand().parseAsync([source, ...flags, '--output', join(folder, 'models'), ...more], {
        from: 'user',
      });
    const written = t.mock.method(process.stdout, 'write', () => true);
    await assert.rejects(run(), {
      name: 'UsageError',
      message:
        /labels\.txt gives several classes the same name: "crane" \(0, 7\)\. .* Or give --rename-repeated-classes,/,
    });
    await run('--rename-repeated-classes');
    written.mock.restore();
    const printed = written.mock.calls.map((call) => String(call.arguments[0])).join('');
    assert.match(printed, /^Golden images: 1 recorded at every exit; /m);
    const { manifest } = await loadPackage(join(folder, 'models', 'net', '1'));
    assert.deepEqual(
      [manifest.classes[0], manifest.classes[1], manifest.classes[7]],
      ['crane (0)', 'class 1', 'crane (7)'],
    );
    assert.equal(manifest.expects, 'A photograph.');
    assert.deepEqual(manifest.examples, [{ file: 'class-3-1.png', label: 'class 3' }]);

    const empty = join(folder, 'empty');
    await mkdir(empty);
    for (const [given, message] of [
      [labels, /cannot be read/],
      [empty, /--examples: ".*empty" holds 0 images; 1 to 16 are taken, PNG, JPEG or WebP\./],
      [folder, /The image "photo\.png" lies in no folder\./],
    ] as const) {
      await assert.rejects(run('--rename-repeated-classes', '--examples', given), {
        name: 'UsageError',
        message,
      });
    }
  });

  it('takes models/ by default', () => {
    assert.equal(importCommand().opts()['output'], 'models');
  });

  it('explains what it takes', () => {
    let help = '';
    importCommand()
      .configureOutput({ writeOut: (text) => (help += text) })
      .outputHelp();
    for (const word of ['model.onnx', 'description.json', 'golden.json', '"cut"', '--force']) {
      assert.ok(help.includes(word), word);
    }
  });
});

describe('the table of costs', () => {
  it('has a row per exit and sums up the heads', () => {
    const exits = [
      {
        name: 'first',
        logits: 'a',
        cut: 'c',
        flops: { stage: 2_000_000, head: 50_000, cumulative: 2_050_000 },
      },
      { name: 'final', logits: 'b', flops: { stage: 8_000_000, head: 0, cumulative: 10_050_000 } },
    ];
    assert.equal(
      costTable({ exits }),
      [
        'exit  name   stage MFLOPs  head MFLOPs  cumulative  of backbone',
        '   0  first         2.000        0.050       2.050       20.5 %',
        '   1  final         8.000        0.000      10.050      100.5 %',
        '',
        'Backbone with the final exit alone: 10.000 MFLOPs; the heads of all side exits add 0.5 %.',
        '',
      ].join('\n'),
    );
  });

  it('says nothing of side exits where there are none', () => {
    const flops = { stage: 8_000_000, head: 0, cumulative: 8_000_000 };
    const exits = [{ name: 'final', logits: 'a', flops }];
    assert.match(costTable({ exits }), /8\.000 +100\.0 %\n$/);
  });

  it('survives a network that costs nothing', () => {
    const exits = [{ name: 'final', logits: 'a', flops: { stage: 0, head: 0, cumulative: 0 } }];
    assert.match(costTable({ exits }), /0\.000 +–$/m);
  });
});
