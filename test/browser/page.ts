// The pages / and /status in a real browser, over the shipped models. Not part of `npm test`, which needs no browser:
// node dist/test/browser/page.js [<folder for screenshots>]
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BrowserContext, Page, Request } from 'playwright-core';
import { createApiKey } from '../../src/access/keys-file.js';
import type { Model } from '../../src/http/routes/models.js';
import type { Prediction } from '../../src/serving/prediction.js';
import { digitShapes } from '../support/images/digit-strokes.js';
import { textured } from '../support/images/images.js';
import { post, predict } from '../support/service/requests.js';
import { startTestService } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { launchChromium } from './chromium.js';

const [, , screenshots] = process.argv;
const run = promisify(execFile);
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const phone = { width: 390, height: 844 };
const desktop = { width: 1200, height: 900 };
/** Over the network, headers and examples included. */
const MOST_BYTES = 150_000;
/** A page that waits for something shows nothing for longer; a busy machine does not take so long. */
const MOST_PAINT_MS = 10_000;
const work = temporaryFolder();
/** Of the policy, of scripts, and of anything loaded from elsewhere. */
const complaints: string[] = [];

const endings: (() => Promise<void>)[] = [];
const scope = { after: (end: () => Promise<void>) => void endings.push(end) };

async function main(): Promise<void> {
  const service = await startTestService(scope, { config: { models: 'models', workers: 2 } });
  const browser = await openBrowser();
  const { url } = service;
  await browser.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
  const page = await watchedPage(browser, url);
  for (const path of ['/', '/status']) await isLightAndDescribed(browser, url + path);
  await page.goto(`${url}/`);

  await drawDigit(page);
  for (const language of ['curl', 'TypeScript', 'Python'] as const) await copyAndRun(page, language);
  await compareProfiles(page, url);
  await setLimits(page);
  await triesBlackOnWhite(page, url);
  await onlyKeyboard(page, url);
  await page.getByRole('button', { name: 'A hard 4' }).click();
  await verdictIs(page, /^4.*exit 2 of 3/);
  await checkAccessibility(page, 'index');
  await uploadPhoto(page, url);
  await page.goto(`${url}/status`);
  await showsStatus(page);
  await checkAccessibility(page, 'status');

  await asksForKey(browser);
  await strictShowsTheClassAlone(browser);
  assert.deepEqual(complaints, []);
  process.stdout.write(`The pages in Chromium ${browser.browser()?.version() ?? ''}: every check passed\n`);
}

async function openBrowser(): Promise<BrowserContext> {
  const browser = await launchChromium({ viewport: desktop, colorScheme: 'light', reducedMotion: 'reduce' });
  scope.after(() => browser.close());
  return browser;
}

/** A page whose complaints, and whose requests to elsewhere, are noted. */
async function watchedPage(browser: BrowserContext, url: string): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  page.on('console', (line) => {
    const isExpected = /status of (401|422)/.test(line.text());
    if (['error', 'warning'].includes(line.type()) && !isExpected) complaints.push(line.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url()))
      complaints.push(request.url());
  });
  return page;
}

/** What Lighthouse would look at, on a load of the page alone, without a cache. */
async function isLightAndDescribed(browser: BrowserContext, address: string): Promise<void> {
  const page = await watchedPage(browser, new URL(address).origin);
  const network = await browser.newCDPSession(page);
  await network.send('Network.setCacheDisabled', { cacheDisabled: true });
  const requests: Request[] = [];
  page.on('requestfinished', (request) => requests.push(request));
  const response = await page.goto(address, { waitUntil: 'networkidle' });
  const policy = response?.headers()['content-security-policy'] ?? '';
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval/);

  const over = requests.filter((request) => request.url().startsWith('http'));
  const sizes = await Promise.all(over.map((request) => request.sizes()));
  const bytes = sizes.reduce((sum, one) => sum + one.responseHeadersSize + one.responseBodySize, 0);
  assert.ok(over.length > 5 && bytes > 10_000, `only ${bytes} bytes in ${over.length} requests were seen`);
  assert.ok(bytes <= MOST_BYTES, `${address} takes ${bytes} bytes; at most ${MOST_BYTES} are promised`);

  const { title, lang, viewport, description, paint } = await page.evaluate<
    Record<string, string | number>
  >(`({
    title: document.title,
    lang: document.documentElement.lang,
    viewport: document.querySelector('meta[name=viewport]')?.content,
    description: document.querySelector('meta[name=description]')?.content,
    paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
  })`);
  assert.match(`${title}`, /^rdi-serve: \w+/);
  assert.equal(lang, 'en');
  assert.equal(viewport, 'width=device-width, initial-scale=1');
  assert.ok(`${description}`.length > 30, `the description is "${description}"`);
  assert.ok(Number(paint) > 0 && Number(paint) <= MOST_PAINT_MS, `first contentful paint after ${paint} ms`);
  const kilobytes = (bytes / 1000).toFixed(0);
  process.stdout.write(
    `${new URL(address).pathname}: ${over.length} requests, ${kilobytes} kB, first paint after ${Number(paint).toFixed(0)} ms\n`,
  );
  await page.close();
}

function verdictIs(page: Page, text: RegExp): Promise<void> {
  return page.locator('#verdict').filter({ hasText: text }).waitFor();
}

/** The strokes of an example digit, with the mouse. */
async function drawDigit(page: Page): Promise<void> {
  const pad = await page.locator('#pad').boundingBox();
  assert.ok(pad);
  const { x: left, y: top, width } = pad;
  for (const stroke of digitShapes['digit-7'].strokes) {
    const points = stroke.split(' ').map((point) => point.split(',').map(Number));
    for (const [index, [x = 0, y = 0]] of points.entries()) {
      await page.mouse.move(left + ((x + 4) / 28) * width, top + ((y + 4) / 28) * width, { steps: 4 });
      if (index === 0) await page.mouse.down();
    }
    await page.mouse.up();
  }
  await verdictIs(page, /^7.*Left at exit 1 of 3, after 6 % of the compute/);
  assert.equal(await page.locator('.gate').count(), 3);
  assert.match(await page.locator('.gate.taken').innerText(), /Exit 1\s+sure enough, left here/);
  assert.match(
    await page.locator('.gate.skipped').first().innerText(),
    /Exit 2\s+skipped; it would have said/,
  );
  await page.getByText('Same answer, 94 % of the compute saved.').waitFor();
  if (screenshots) await page.screenshot({ path: join(screenshots, 'page-desktop.png') });
}

/** What runs a copied text. */
const programs = {
  curl: ['bash', '-c'],
  TypeScript: ['node', '--input-type=module', '--eval'],
  Python: ['python3', '-c'],
} as const;

/** The copied text, run as it is, has the answer that the page shows. */
async function copyAndRun(page: Page, language: keyof typeof programs): Promise<void> {
  const section = page.locator('#code');
  await section.getByRole('button', { name: language }).click();
  await section.getByRole('button', { name: /^Cop/ }).click();
  await section.getByRole('button', { name: 'Copied' }).waitFor();
  const text = await page.evaluate<string>('navigator.clipboard.readText()');
  const [program, ...options] = programs[language];
  const { stdout } = await run(program, [...options, text], { cwd: work });
  const shown = await page.locator('#verdict').innerText();
  if (language !== 'curl') return assert.equal(stdout.split(' ')[0], shown.split('\n')[0], stdout);
  const { label, exit } = JSON.parse(stdout) as Prediction;
  const where = exit.index === exit.of - 1 ? 'the final exit' : `exit ${exit.index + 1} of`;
  assert.ok(shown.startsWith(`${label}\n`) && shown.includes(where), `${shown}, but ${stdout} from curl`);
}

async function compareProfiles(page: Page, url: string): Promise<void> {
  await page.getByRole('button', { name: 'An easy 7' }).click();
  await page.locator('#sent-name').filter({ hasText: 'easy-7.png' }).waitFor();
  await page.getByRole('button', { name: 'Compare all profiles' }).click();
  await page.locator('#profiles-body tr').first().waitFor();
  const png = await readFile('docs/examples/digit-7.png');
  const rows = await page.locator('#profiles-body tr').allInnerTexts();
  const names = ['accurate', 'balanced', 'fast', 'full'];
  assert.equal(rows.length, names.length);
  for (const [index, name] of names.entries()) {
    const { label, exit } = await predict(url, png, { model: 'mnist-smallcnn', profile: name });
    const where = exit.index === exit.of - 1 ? 'final' : `${exit.index + 1} of ${exit.of}`;
    const [shown = '', answer = '', left = ''] = rows[index]?.split('\t') ?? [];
    assert.deepEqual([shown, answer.slice(0, label.length), left], [name, label, where]);
  }
}

async function setLimits(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'A hard 4' }).click();
  await verdictIs(page, /^4.*exit 2 of 3/);
  const slider = page.getByRole('slider', { name: 'Compute budget' });
  await slider.focus();
  await page.keyboard.press('Home');
  await verdictIs(page, /exit 1 of 3, after 6 %/);
  assert.match(await page.locator('.gate.taken').innerText(), /budget ended, left here/);
  assert.match(await page.locator('#certificate').innerText(), /no promise covers this answer/);
  assert.match(await page.locator('#snippet').innerText(), /maxFlops=1201664/);
  await page.keyboard.press('End');
  await verdictIs(page, /^4.*exit 2 of 3/);
  const deadline = page.getByRole('spinbutton', { name: 'Deadline' });
  await deadline.fill('60000');
  await page.locator('#snippet').filter({ hasText: 'deadlineMs=60000' }).waitFor();
  await verdictIs(page, /^4.*exit 2 of 3/);
  await deadline.fill('');
  await page.locator('#snippet').filter({ hasNotText: 'deadlineMs' }).waitFor();
}

/** The model says what it expects; an example that is the other way round is told to have been inverted. */
async function triesBlackOnWhite(page: Page, url: string): Promise<void> {
  const { models } = (await (await fetch(`${url}/models`)).json()) as { models: Model[] };
  const { expects, examples } = models.find(({ name }) => name === 'mnist-smallcnn') ?? {};
  assert.equal(await page.locator('#expects').innerText(), `It expects: ${expects}`);
  assert.equal(await page.locator('#examples button').count(), examples?.length);
  const told = page.getByText('exchanged black and');
  assert.ok(await told.isHidden());
  await page.getByRole('button', { name: 'A 3, black on white' }).click();
  await verdictIs(page, /^3.*Left at exit 1 of 3/);
  await told.waitFor();
  await page.getByRole('button', { name: 'An easy 7' }).click();
  await verdictIs(page, /^7/);
  assert.ok(await told.isHidden());
}

/** A 1, drawn by keyboard, from the start of the page. */
async function onlyKeyboard(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/`);
  await page.locator('#path li').first().waitFor();
  const press = (key: string) => page.keyboard.press(key);
  for (let tabs = 0; (await focusedId(page)) !== 'pad'; tabs++) {
    assert.ok(tabs < 15, 'the pad is reached by the Tab key');
    await press('Tab');
  }
  for (const key of ['ArrowUp', 'ArrowUp', 'ArrowUp']) await press(`Shift+${key}`);
  await press('Space');
  for (let step = 0; step < 6; step++) await press('Shift+ArrowDown');
  await press('Space');
  await verdictIs(page, /^1.*Left at exit 1 of 3/);
  for (let tabs = 0; (await focusedId(page)) !== 'compare-profiles'; tabs++) {
    assert.ok(tabs < 20, 'the comparison is reached by the Tab key');
    await press('Tab');
  }
  await press('Enter');
  await page.locator('#profiles-body tr').first().waitFor();
}

function focusedId(page: Page): Promise<string | undefined> {
  return page.evaluate<string | undefined>('document.activeElement?.id');
}

async function uploadPhoto(page: Page, url: string): Promise<void> {
  const photo = await textured(1200, 900, 3).jpeg().toBuffer();
  const file = join(work, "a friend's photo.jpg");
  await writeFile(file, photo);
  await page.setViewportSize(desktop);
  await page.emulateMedia({ colorScheme: 'light' });
  await page.getByLabel('Model').selectOption('rdi-resnet38');
  await page.getByLabel('Choose a file').setInputFiles(file);
  await page.locator('.gate.taken').waitFor();
  const response = await post(`${url}/classify?model=rdi-resnet38`, photo, 'image/jpeg');
  const answer = (await response.json()) as Prediction;
  const path = await page.evaluate<string[]>(
    "[...document.querySelectorAll('.gate')].map((gate) => gate.classList.item(1))",
  );
  assert.equal(path.length, 7);
  assert.deepEqual(path.slice(0, 2), ['off', 'off'], 'this profile has no use for the first two exits');
  assert.equal(path[answer.exit.index], 'taken');
  await verdictIs(page, new RegExp(`^${answer.label}`));
  await copyAndRun(page, 'curl');
  await page.getByLabel('Choose a file').setInputFiles({
    name: 'no-image.png',
    mimeType: 'image/png',
    buffer: Buffer.from('no image'),
  });
  await page.getByRole('alert').filter({ hasText: 'The image cannot be decoded' }).waitFor();
}

async function showsStatus(page: Page): Promise<void> {
  const card = page.getByRole('region', { name: 'mnist-smallcnn, version 2' });
  await card.waitFor();
  const text = await card.innerText();
  assert.match(
    text,
    /balanced \(default\)\s+entropy\s+≤ 0.5 % of answers differ, ≤ 2 % of answers differ under attack;/,
  );
  assert.match(text, /exit-1\s+\d+ · \d+ %/);
}

/** No violation in light and dark, on a desktop and on a phone. */
async function checkAccessibility(page: Page, name: string): Promise<void> {
  const found: string[] = [];
  await page.evaluate(axe);
  for (const [size, viewport] of Object.entries({ desktop, phone })) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      const violations = await page.evaluate<string[]>(
        'axe.run({ rules: { "target-size": { enabled: true } } }).then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes[0].html))',
      );
      found.push(...violations.map((one) => `${name}, ${size}, ${colorScheme}: ${one}`));
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
      if (overflow > 0) found.push(`${name}, ${size}: ${overflow} pixels wider than the screen`);
      if (screenshots && size === 'phone' && colorScheme === 'dark' && name === 'index') {
        await page.locator('#answer').scrollIntoViewIfNeeded();
        await page.screenshot({ path: join(screenshots, 'page-phone.png') });
      }
    }
  }
  assert.deepEqual(found, []);
}

async function asksForKey(browser: BrowserContext): Promise<void> {
  const apiKeysFile = join(work, 'keys');
  const { key, line } = createApiKey('reader');
  await writeFile(apiKeysFile, line);
  const { url } = await startTestService(scope, { config: { apiKeysFile } });
  const page = await watchedPage(browser, url);
  for (const path of ['/', '/status']) {
    await page.goto(url + path);
    const field = page.getByLabel('This service needs an API key');
    await field.fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('does not know this key').waitFor();
    assert.doesNotMatch(await page.content(), /tiny/);
    await field.fill(key);
    await page.keyboard.press('Enter');
    await page.getByText('tiny').first().waitFor({ state: 'attached' });
    assert.ok(await field.isHidden());
  }
  const kept = await page.evaluate<unknown>('[localStorage.length, sessionStorage.length, document.cookie]');
  assert.deepEqual(kept, [0, 0, ''], 'the key is kept nowhere');
}

/** Under RDI_PRIVACY=strict the page shows the label, and nothing that it would have to guess. */
async function strictShowsTheClassAlone(browser: BrowserContext): Promise<void> {
  const { url } = await startTestService(scope, { config: { models: 'models', privacy: 'strict' } });
  const page = await watchedPage(browser, url);
  await page.goto(`${url}/`);
  await page.getByRole('button', { name: 'An easy 7' }).click();
  await verdictIs(page, /^7/);
  const text = await page.locator('body').innerText();
  assert.doesNotMatch(text, /Left at exit|of the compute|compute saved|undefined|NaN/);
  assert.equal(await page.locator('.gate.taken, .gate.skipped').count(), 0);
  assert.ok(await page.getByRole('slider', { name: 'Compute budget' }).isHidden());
  await page.getByRole('button', { name: 'A hard 4' }).click();
  await verdictIs(page, /^4/);
  await page.goto(`${url}/status`);
  await page.getByRole('region', { name: 'mnist-smallcnn, version 2' }).waitFor();
  assert.doesNotMatch(await page.locator('body').innerText(), /undefined|NaN/);
}

try {
  await main();
} finally {
  for (const end of endings.reverse()) await end();
}
