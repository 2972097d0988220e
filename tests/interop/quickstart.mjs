// A person goes through examples/quickstart in Chromium: `node quickstart.mjs APPLICATION_URL PICTURES`.
// Every width, input and script setting makes the whole journey; a picture of each page is left in PICTURES.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withBrowser } from './browser.mjs';
import { keyboard, pointer } from './hands.mjs';
import { watch } from './watch.mjs';

const [application, pictures] = process.argv.slice(2);
mkdirSync(pictures, { recursive: true });

const WIDTHS = {
  desktop: { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  phone: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, colorScheme: 'dark' },
};

for (const [width, device] of Object.entries(WIDTHS)) {
  for (const hands of [pointer, keyboard]) {
    for (const javaScriptEnabled of [true, false]) {
      const name = `${width}-${hands.name}-${javaScriptEnabled ? 'script' : 'no-script'}`;
      test(name, () => withBrowser({ ...device, javaScriptEnabled }, (page) => journey(page, hands, name)));
    }
  }
}

async function journey(page, hands, name) {
  const seen = watch(page);
  let step = 0;
  const look = async (title) => {
    step += 1;
    await page.screenshot({ path: join(pictures, `${name}-${step}-${title}.png`), fullPage: true });
    await seen.check(title);
  };
  const { press, type } = hands.on(page);
  const text = (id) => page.locator(`#${id}`).textContent();

  await page.goto(application);
  await look('home');

  await press('sign-in');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.equal(await page.locator('#username').inputValue(), '');
  await look('login');
  await type('username', 'alice');
  await type('password', 'through the looking-glass');
  await press('login-submit');
  await page.getByRole('alert').waitFor();
  assert.equal(await page.locator('#username').inputValue(), 'alice', 'the name need not be typed again');
  await look('wrong-password');

  await type('password', 'wonderland');
  await press('login-submit');
  await page.locator('#consent-allow').waitFor();
  await look('consent');
  await press('consent-deny');
  await page.locator('#sign-in').waitFor();
  assert.match(await text('notice'), /denied/);
  await look('denied');

  await press('sign-in');
  await page.locator('#consent-allow').waitFor(); // the provider still knows the person
  await press('consent-allow');
  await page.locator('#claims').waitFor();
  assert.match(await text('claims'), /alice/i);
  await look('account');

  const before = await text('access-token');
  assert.ok(before.trim());
  await press('refresh');
  await page.getByRole('status').waitFor();
  assert.notEqual(await text('access-token'), before);
  await look('refreshed');

  await press('revoke');
  await page.locator('#revoke[disabled]').waitFor();
  assert.match(await text('notice'), /revoked/);
  await look('revoked');

  await press('sign-out');
  await page.locator('#logout-confirm').waitFor();
  await look('sign-out');
  await press('logout-confirm');
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
  await look('signed-out');

  await page.goto(application);
  await press('sign-in');
  await page.locator('#login-submit').waitFor(); // nobody is signed in any more, here or there
  seen.end();
}
