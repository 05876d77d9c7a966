// Swagger UI in a real browser: a person uploads the example image and reads the answer. Not part of `npm test`, which
// needs no browser: node dist/test/browser/swagger-ui.js <url of a server> [<file for a screenshot>]
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { launchChromium } from './chromium.js';

const [, , url, screenshot] = process.argv;
assert.ok(url, 'usage: node dist/test/browser/swagger-ui.js <url> [<screenshot.png>]');
const image = join(import.meta.dirname, '../../../docs/examples/digit-7.png');
const browser = await launchChromium({ viewport: { width: 1000, height: 760 }, deviceScaleFactor: 1.25 });
try {
  const page = await browser.newPage();
  const complaints: string[] = [];
  const elsewhere: string[] = [];
  page.on('console', (line) => {
    if (line.type() === 'error' || line.type() === 'warning') complaints.push(line.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) elsewhere.push(request.url());
  });

  await page.goto(`${url}/docs/`);
  const operation = page.locator('#operations-classification-classify');
  await operation.locator('.opblock-summary-control').click();
  await operation.locator('input[type=file]').setInputFiles(image);
  await operation.getByRole('button', { name: 'Execute' }).click();
  const live = operation.locator('.live-responses-table');
  await live.locator('.response-col_status', { hasText: '200' }).waitFor();
  const answer = JSON.parse(await live.locator('.response-col_description code').first().innerText()) as {
    label: string;
    exit: { index: number };
  };
  assert.equal(answer.label, '7');
  assert.equal(answer.exit.index, 0);
  assert.deepEqual(complaints, [], 'the content security policy and the page agree');
  assert.deepEqual(elsewhere, [], 'nothing is loaded from anywhere else');
  if (screenshot) {
    await live.locator('.response-col_description').first().scrollIntoViewIfNeeded();
    await operation.locator('.responses-wrapper').scrollIntoViewIfNeeded();
    await page.screenshot({ path: screenshot });
  }
  process.stdout.write(`Swagger UI in Chromium ${browser.browser()?.version() ?? ''}: ${answer.label}\n`);
} finally {
  await browser.close();
}
