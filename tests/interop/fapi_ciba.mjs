// openid-client 6 asks for people who are elsewhere at `examples/provider --profile fapi-ciba`:
// `node fapi_ciba.mjs ISSUER DIRECTORY ADMIN`, where the directory holds what secured_clients.mjs wrote, and whoever
// runs the provider answers at ADMIN.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import * as client from 'openid-client';
import { certifiedFetch } from './certified_fetch.mjs';
import * as flows from './flows.mjs';
import { certificateOf, secured } from './secured_clients.mjs';

const [issuer, directory, admin] = process.argv.slice(2);
const { keys } = await secured(directory);
const clients = new flows.Clients(issuer, keys);
const metadata = { id_token_signed_response_alg: 'PS256', use_mtls_endpoint_aliases: true };
const config = await clients.discover('fapi-ciba', metadata, client.PrivateKeyJwt({ key: keys.PS256, kid: 'PS256' }), {
  fetch: certifiedFetch(certificateOf('named')),
});

/** A request object with all that the profile demands, but for what `changed` says. */
function request({ changed = {}, key = keys.PS256, alg = 'PS256' } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const asked = { scope: 'openid', login_hint: 'alice', binding_message: 'W4SCT' };
  const claims = { iss: 'fapi-ciba', aud: issuer, jti: client.randomNonce(), iat: now, nbf: now, exp: now + 60 };
  return new SignJWT({ ...claims, ...asked, ...changed }).setProtectedHeader({ alg, kid: alg }).sign(key);
}

const begun = async (options) =>
  client.initiateBackchannelAuthentication(config, { request: await request(options) });

test('a signed request brings a token that is bound to the certificate', async () => {
  const started = await begun();
  const body = new URLSearchParams({ auth_req_id: started.auth_req_id, action: 'allow' });
  assert.equal((await fetch(`${admin}/admin/ciba`, { method: 'POST', body })).status, 200);
  const tokens = await client.pollBackchannelAuthenticationGrant(config, { ...started, interval: 0 });
  assert.deepEqual(Object.keys(flows.confirmationOf(tokens.access_token)), ['x5t#S256']);
  const { sub, aud } = tokens.claims();
  assert.equal(aud, 'fapi-ciba');
  assert.equal((await client.fetchUserInfo(config, tokens.access_token, sub)).sub, sub);
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  assert.equal(await flows.userinfoStatus(config, headers), 401, 'without the certificate');
});

test('a request that nobody signed is refused', async () => {
  const plain = client.initiateBackchannelAuthentication(config, { scope: 'openid', login_hint: 'alice' });
  await assert.rejects(plain, flows.refusedWith('invalid_request'));
});

for (const claim of ['iss', 'aud', 'jti', 'iat', 'nbf', 'exp']) {
  test(`a request without ${claim} is refused`, async () => {
    await assert.rejects(begun({ changed: { [claim]: undefined } }), flows.refusedWith('invalid_request'));
  });
}

test('a request by another key, or for long, is refused', async () => {
  await assert.rejects(begun({ key: keys.ES256, alg: 'ES256' }), flows.refusedWith('invalid_request'));
  const exp = Math.floor(Date.now() / 1000) + 70 * 60;
  await assert.rejects(begun({ changed: { exp } }), flows.refusedWith('invalid_request'));
});
