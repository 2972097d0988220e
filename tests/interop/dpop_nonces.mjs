// openid-client 6 goes on where proofs must carry a nonce of the provider (RFC 9449 section 8):
// `node dpop_nonces.mjs ISSUER DIRECTORY`, where the directory holds what secured_clients.mjs wrote.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeJwt } from 'jose';
import * as client from 'openid-client';
import * as flows from './flows.mjs';
import { secured } from './secured_clients.mjs';

const [issuer, directory] = process.argv.slice(2);
const { keys } = await secured(directory);

/** A `fetch` that notes where a proof went, whether it had a nonce, and what came back. */
function noting(seen) {
  return async (url, options) => {
    const response = await fetch(url, options);
    const proof = new Headers(options.headers).get('dpop');
    if (proof) {
      const { error } = response.ok ? {} : await response.clone().json().catch(() => ({}));
      const { nonce } = decodeJwt(proof);
      const refused = error ?? (response.headers.get('www-authenticate')?.match(/error="(\w+)"/) ?? [])[1];
      seen.push([new URL(url).pathname, nonce !== undefined, response.status, refused]);
    }
    return response;
  };
}

test('a nonce is demanded at each endpoint, and the request is sent again with it', async () => {
  const seen = [];
  const config = await new flows.Clients(issuer, keys).signing('signing', 'ES256', { fetch: noting(seen) });
  const first = await flows.proving(config);
  const tokens = await flows.tokensOf(config, { url: flows.pushed, DPoP: first.DPoP });
  assert.deepEqual(flows.confirmationOf(tokens.access_token), { jkt: first.jkt });
  assert.deepEqual(seen.splice(0), [
    ['/par', false, 400, 'use_dpop_nonce'],
    ['/par', true, 201, undefined],
    ['/token', true, 200, undefined],
  ]);

  // The same key by a handle that knows no nonce yet, as a client that has started again.
  const DPoP = client.getDPoPHandle(config, first.pair);
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP });
  assert.equal(userinfo.sub, tokens.claims().sub);
  assert.deepEqual(seen.splice(0), [
    ['/userinfo', false, 401, 'use_dpop_nonce'],
    ['/userinfo', true, 200, undefined],
  ]);

  const fresh = client.getDPoPHandle(config, first.pair);
  assert.equal((await flows.toldByResource(config, tokens.access_token, { DPoP: fresh })).sub, userinfo.sub);
  assert.deepEqual(seen.splice(0), [
    ['/resource', false, 401, 'use_dpop_nonce'],
    ['/resource', true, 200, undefined],
  ]);
});

test('a code outlives the proof that had no nonce', async () => {
  const seen = [];
  const config = await new flows.Clients(issuer, keys).signing('signing', 'ES256', { fetch: noting(seen) });
  const { DPoP, jkt } = await flows.proving(config);
  const tokens = await flows.tokensOf(config, { DPoP });
  assert.deepEqual(flows.confirmationOf(tokens.access_token), { jkt });
  assert.deepEqual(seen, [
    ['/token', false, 400, 'use_dpop_nonce'],
    ['/token', true, 200, undefined],
  ]);
});
