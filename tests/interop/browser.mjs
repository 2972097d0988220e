// Chromium, with a profile of its own for each visit.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const QUIET = [
  '--no-sandbox', // the browser refuses root without it; it opens pages of this machine only
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Opens a browser, gives `body` a page and its context, and closes it. `thirdPartyCookies` says whether frames of other
 * sites have their cookies.
 */
export async function withBrowser({ thirdPartyCookies = false, ...options }, body) {
  const profile = mkdtempSync(join(tmpdir(), 'interop-'));
  mkdirSync(join(profile, 'Default'));
  const preferences = { profile: { cookie_controls_mode: thirdPartyCookies ? 0 : 1 } };
  writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: QUIET,
    timeout: 60_000,
    ...options,
  });
  context.setDefaultTimeout(20_000);
  try {
    await body(await context.newPage(), context);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
