// openid-client 6 waits for people who are elsewhere, at `examples/provider`:
// `node openid_client_elsewhere.mjs ISSUER DIRECTORY ADMIN`, where the directory holds what secured_clients.mjs wrote,
// and whoever runs the provider answers at ADMIN.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as client from 'openid-client';
import * as flows from './flows.mjs';
import { serve } from './peers.mjs';
import { secured } from './secured_clients.mjs';
import { answerDevice } from './sign_in.mjs';

const [issuer, directory, admin] = process.argv.slice(2);
const { port, keys } = await secured(directory);
const clients = new flows.Clients(issuer, keys);
const asking = (id) => clients.signing(id, 'ES256');

async function answer(auth_req_id, action) {
  const body = new URLSearchParams({ auth_req_id, action });
  const response = await fetch(`${admin}/admin/ciba`, { method: 'POST', body });
  assert.deepEqual(await response.json(), { answered: action });
}

/** What the client does not wait for: the person has answered already. */
const atOnce = (started) => ({ ...started, interval: 0 });

test('a device gets tokens while it polls, once a person has typed its code (RFC 8628)', async () => {
  const config = await clients.discover('tv', {}, client.None());
  const device = await client.initiateDeviceAuthorization(config, { scope: 'openid email' });
  const polling = client.pollDeviceAuthorizationGrant(config, device);
  const [tokens, page] = await Promise.all([polling, answerDevice(device.verification_uri, device.user_code)]);
  assert.match(page, /Go on at your device/);
  assert.equal(tokens.claims().aud, 'tv');
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.equal(userinfo.email, 'alice@wonderland.example');
});

test('a device whose person says no is told', async () => {
  const config = await clients.discover('tv', {}, client.None());
  const device = await client.initiateDeviceAuthorization(config, { scope: 'openid' });
  await answerDevice(device.verification_uri, device.user_code, { press: 'consent-deny' });
  await assert.rejects(client.pollDeviceAuthorizationGrant(config, atOnce(device)), flows.refusedWith('access_denied'));
});

test('a client polls until a person says yes elsewhere (CIBA)', async () => {
  const config = await asking('asking');
  const parameters = { scope: 'openid email', login_hint: 'alice', binding_message: 'W4SCT' };
  const started = await client.initiateBackchannelAuthentication(config, parameters);
  const polling = client.pollBackchannelAuthenticationGrant(config, started);
  const [tokens] = await Promise.all([polling, answer(started.auth_req_id, 'allow')]);
  assert.equal(tokens.claims().aud, 'asking');
  assert.equal((await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)).sub, tokens.claims().sub);
});

test('a client whose person says no is told', async () => {
  const config = await asking('asking');
  const started = await client.initiateBackchannelAuthentication(config, { scope: 'openid', login_hint: 'alice' });
  await answer(started.auth_req_id, 'deny');
  const polling = client.pollBackchannelAuthenticationGrant(config, atOnce(started));
  await assert.rejects(polling, flows.refusedWith('access_denied'));
});

/** Lets a person say yes, and gives what the client is told at its own endpoint. */
async function told(config) {
  const client_notification_token = client.randomNonce();
  const parameters = { scope: 'openid', login_hint: 'alice', client_notification_token };
  const server = await serve(port, (_, response) => response.writeHead(204).end());
  try {
    const started = await client.initiateBackchannelAuthentication(config, parameters);
    const asked = once(server, 'request');
    await answer(started.auth_req_id, 'allow');
    const [request] = await asked;
    let body = '';
    for await (const part of request) body += part;
    assert.equal(request.headers.authorization, `Bearer ${client_notification_token}`);
    return { started, path: request.url, body: JSON.parse(body) };
  } finally {
    server.close();
  }
}

test('a client is pinged once there is an answer, and fetches it', async () => {
  const config = await asking('pinged');
  const { started, path, body } = await told(config);
  assert.deepEqual([path, body], ['/ping', { auth_req_id: started.auth_req_id }]);
  const tokens = await client.pollBackchannelAuthenticationGrant(config, atOnce(started));
  assert.equal(tokens.claims().aud, 'pinged');
});

test('a client is pushed its tokens', async () => {
  const config = await asking('pushed');
  const { started, path, body } = await told(config);
  assert.deepEqual([path, body.auth_req_id], ['/push', started.auth_req_id]);
  const { jwks_uri } = config.serverMetadata();
  const verified = { issuer, audience: 'pushed', algorithms: ['RS256'] };
  const { payload } = await jwtVerify(body.id_token, createRemoteJWKSet(new URL(jwks_uri)), verified);
  assert.equal(payload['urn:openid:params:jwt:claim:auth_req_id'], started.auth_req_id);
  assert.equal((await client.fetchUserInfo(config, body.access_token, payload.sub)).sub, payload.sub);
});
