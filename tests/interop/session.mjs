// Two applications watch a person sign in and out at examples/provider, in Chromium:
// `node session.mjs ISSUER ORIGIN ORIGIN [CERTIFICATE KEY]`. Over https the applications are other sites than the
// provider, and its front channel reaches them; over http they are the same site.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { withBrowser } from './browser.mjs';
import { IDS, Watcher, ask, askBeside } from './watchers.mjs';

const [issuer, originA, originB, certificate, key] = process.argv.slice(2);
const tls = certificate && { cert: readFileSync(certificate), key: readFileSync(key) };
const [a, b] = [originA, originB].map((origin, at) => new Watcher({ id: IDS[at], origin, issuer, tls }));
const options = { ignoreHTTPSErrors: true, thirdPartyCookies: Boolean(tls) };

before(() => Promise.all([a.listen(), b.listen()]));
beforeEach(() => [a, b].forEach((watcher) => (watcher.fronts = [])));
after(() => [a, b].forEach((watcher) => watcher.close()));

/** Goes to the provider and back to the application, pressing and typing what is asked for. */
async function signIn(page, watcher) {
  await page.goto(watcher.authorizationUrl());
  if (await page.locator('#username').count()) {
    await page.locator('#username').fill('alice');
    await page.locator('#password').fill('wonderland');
    await page.locator('#login-submit').click();
  }
  await page.locator('#consent-allow').click();
  return landed(page, watcher);
}

/** What the application is told, at its page with the frame. */
async function landed(page, watcher) {
  await page.waitForURL(`${watcher.origin}/cb?**`);
  const { state, session_state, code, error } = Object.fromEntries(new URL(page.url()).searchParams);
  assert.equal(state, watcher.state);
  assert.match(session_state, /^[\w-]{43}\.[\w-]{22}$/);
  await page.waitForLoadState('load');
  return { message: `${watcher.id} ${session_state}`, code, error };
}

/** Signs out at the provider, and gives the page on which that ends. */
async function signOut(context, { id_token }) {
  const page = await context.newPage();
  const { origin } = new URL(a.origin);
  const query = { id_token_hint: id_token, post_logout_redirect_uri: `${origin}/out`, state: 'x y' };
  await page.goto(`${issuer}/logout?${new URLSearchParams(query)}`);
  return page;
}

test('a login is watched until it is over', () =>
  withBrowser(options, async (page, context) => {
    const first = await signIn(page, a);
    assert.equal(await ask(page, first.message), 'unchanged');
    assert.equal(await askBeside(page, '/rp', first.message), 'unchanged', 'a frame of the application may ask');

    const tab = await context.newPage();
    const second = await signIn(tab, b);
    assert.equal(await ask(tab, second.message), 'unchanged');
    assert.equal(await ask(page, first.message), 'unchanged', 'another application changes nothing');

    const out = await signOut(context, await a.redeem(first.code));
    await out.waitForURL(`${a.origin}/out?**`);
    assert.equal(await ask(page, first.message), 'changed');
    assert.equal(await ask(tab, second.message), 'changed');

    await page.goto(a.authorizationUrl({ prompt: 'none' }));
    const nobody = await landed(page, a);
    assert.equal(nobody.error, 'login_required');
    assert.equal(await ask(page, nobody.message), 'unchanged', 'nobody is signed in, as the answer said');
    await page.reload();
    assert.equal(await ask(page, first.message), 'changed');
    const again = await signIn(tab, b);
    assert.equal(await ask(tab, again.message), 'unchanged');
    assert.equal(await ask(page, nobody.message), 'changed', 'somebody has signed in');
  }));

// attack 235
test('nobody learns anything by the state of another', () =>
  withBrowser(options, async (page, context) => {
    const { message } = await signIn(page, a);
    const [, session_state] = message.split(' ');
    const texts = ['', 'x', session_state, `${message}x`, `${message} `, `é ${session_state}`];
    for (const malformed of [...texts, null, 7, {}]) {
      assert.equal(await ask(page, malformed), 'error', JSON.stringify(malformed));
    }
    assert.equal(await ask(page, `${b.id} ${session_state}`), 'changed', 'it is of another client');
    const tab = await context.newPage();
    await signIn(tab, b);
    assert.equal(await ask(tab, message), 'changed', 'it is of another origin');
    // What stands beside the frame is heard if it is of the origin of the page alone.
    await page.evaluate((address) => (document.getElementById('rp').src = address), `${b.origin}/rp`);
    await page.frameLocator('#rp').getByRole('heading', { name: '/rp' }).waitFor();
    assert.equal(await askBeside(page, `${b.origin}/rp`, message), 'silence');
    await context.clearCookies();
    assert.equal(await ask(page, message), 'changed', 'without the cookie nothing is as it was');
  }));

if (tls) {
  test('a logout loads a frame of each application, with iss and sid alone, and goes on', () =>
    withBrowser({ ...options, javaScriptEnabled: false }, async (page, context) => {
      const tokens = [];
      for (const watcher of [a, b]) {
        const { code } = await signIn(page, watcher);
        tokens.push(await watcher.redeem(code));
      }
      const out = await signOut(context, tokens[0]);
      await out.getByRole('heading', { name: 'You are signed out' }).waitFor();
      await out.waitForURL(`${a.origin}/out?**`);
      assert.deepEqual([...new URL(out.url()).searchParams], [['state', 'x y']]);
      [a, b].forEach((watcher, at) => {
        const { iss, sid } = tokens[at].claims;
        const asked = watcher.fronts.map((params) => [...params]);
        assert.deepEqual(asked, [[['tenant', '1'], ['iss', iss], ['sid', sid]]]);
      });
    }));

  test('where the browser keeps the cookie from the frame, it says that it cannot tell', () =>
    withBrowser({ ...options, thirdPartyCookies: false }, async (page) => {
      const { message } = await signIn(page, a);
      assert.equal(await ask(page, message), 'error');
    }));
}
