// A client that is told of logouts by `examples/provider` through the back channel, and verifies them with jose:
// `node logout_tokens.mjs ISSUER DIRECTORY`.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { REDIRECT_URI } from './clients.mjs';
import { PEER, SECRET, bodyOf, parametersOf, peer, serve } from './peers.mjs';
import { signIn } from './sign_in.mjs';

const [issuer, directory] = process.argv.slice(2);
const { port } = await peer(directory);
const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));

/** Signs alice in, in the browser of these cookies, and gives the claims of the ID token. */
async function idToken(cookies) {
  const request = new URLSearchParams({
    client_id: PEER,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid',
  });
  const answer = await signIn(`${metadata.authorization_endpoint}?${request}`, REDIRECT_URI, { cookies });
  const { code } = await parametersOf(answer);
  const form = new URLSearchParams({ grant_type: 'authorization_code', redirect_uri: REDIRECT_URI, code });
  const authorization = `Basic ${btoa(`${PEER}:${encodeURIComponent(SECRET)}`)}`;
  const tokens = await fetch(metadata.token_endpoint, { method: 'POST', body: form, headers: { authorization } });
  return (await tokens.json()).id_token;
}

test('a logout token says who has signed out of which session', { timeout: 30_000 }, async () => {
  const cookies = new Map();
  const hint = await idToken(cookies);
  const other = decodeJwt(await idToken(new Map()));
  const told = [];
  const server = await serve(port, async (request, response) => {
    const { method, url, headers } = request;
    told.push({ method, url, type: headers['content-type'], form: await bodyOf(request) });
    response.end();
    server.emit('told');
  });
  try {
    const hears = once(server, 'told');
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const page = await fetch(`${metadata.end_session_endpoint}?id_token_hint=${hint}`, { headers: { cookie } });
    assert.match(await page.text(), /You are signed out/);
    await hears;
  } finally {
    server.close();
  }
  assert.equal(told.length, 1);
  const [{ form, ...request }] = told;
  assert.deepEqual(request, { method: 'POST', url: '/logout', type: 'application/x-www-form-urlencoded' });
  assert.deepEqual([...form.keys()], ['logout_token']);
  const { payload, protectedHeader } = await jwtVerify(form.get('logout_token'), keys, {
    issuer,
    audience: PEER,
    typ: 'logout+jwt',
    requiredClaims: ['iat', 'exp', 'jti', 'sub', 'sid'],
    maxTokenAge: '2 minutes',
  });
  assert.equal(protectedHeader.alg, 'RS256');
  assert.deepEqual(payload.events, { 'http://schemas.openid.net/event/backchannel-logout': {} });
  assert.ok(!('nonce' in payload));
  const { sub, sid } = decodeJwt(hint);
  assert.deepEqual([payload.sub, payload.sid], [sub, sid]);
  assert.notEqual(payload.sid, other.sid, 'another browser is another session');
});
