// Chromium for the checks in this folder: the one on the PATH, or where CHROMIUM says.
import process from 'node:process';
import { type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';
import { temporaryFolder } from '../support/temporary-folder.js';

/** @returns a browser with a profile of its own, which talks to nobody of itself */
export function launchChromium(look: BrowserContextOptions): Promise<BrowserContext> {
  return chromium.launchPersistentContext(temporaryFolder(), {
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-sync',
    ],
    ...look,
  });
}
