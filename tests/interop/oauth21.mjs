// openid-client 6 and oauth4webapi go through OAuth 2.1 at `examples/provider --profile PROFILE`:
// `node oauth21.mjs ISSUER DIRECTORY PROFILE`, where the directory holds what secured_clients.mjs wrote.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import * as flows from './flows.mjs';
import { LOOPBACK_URI, RESOURCE, secured } from './secured_clients.mjs';

const [issuer, directory, profile] = process.argv.slice(2);
const { keys } = await secured(directory);
const resource = profile === 'mcp' ? `${issuer}/resource` : RESOURCE;

/** A public client: one that the provider knows, or under mcp one that registers. */
async function configured() {
  if (profile !== 'mcp') return new flows.Clients(issuer, keys).discover('native', {}, client.None());
  const metadata = {
    client_name: 'Registered by a peer',
    redirect_uris: ['http://127.0.0.1/cb'],
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    scope: 'openid email',
  };
  return client.dynamicClientRegistration(new URL(issuer), metadata, client.None());
}

test('a public client gets a token for one resource, by PKCE', async () => {
  const config = await configured();
  const tokens = await flows.tokensOf(config, { redirect_uri: LOOPBACK_URI, resource });
  assert.equal(decodeJwt(tokens.access_token).aud, resource);
  assert.equal(tokens.claims().aud, config.clientMetadata().client_id);
  if (profile === 'mcp') {
    assert.equal((await flows.toldByResource(config, tokens.access_token)).aud.toString(), resource);
  }
});

test('without PKCE it gets nothing', async () => {
  const config = await configured();
  const { request } = await flows.fresh({ redirect_uri: LOOPBACK_URI, resource });
  delete request.code_challenge;
  delete request.code_challenge_method;
  const answer = await fetch(flows.plainly(config, request), { redirect: 'manual' });
  assert.equal(await errorOf(answer), 'invalid_request');
});

test('tokens through the browser are not to be had', async () => {
  const config = await configured();
  const { request } = await flows.fresh({ redirect_uri: LOOPBACK_URI, resource, response_type: 'token' });
  const answer = await fetch(flows.plainly(config, request), { redirect: 'manual' });
  assert.equal(await errorOf(answer), 'unsupported_response_type');
  assert.deepEqual(config.serverMetadata().response_types_supported, ['code']);
});

if (profile === 'mcp') {
  test('the resource says whose tokens it takes (RFC 9728)', async () => {
    const url = new URL(resource);
    const told = await oauth.processResourceDiscoveryResponse(url, await oauth.resourceDiscoveryRequest(url));
    assert.deepEqual(told.authorization_servers, [issuer]);
  });

  test('a request that names no resource is refused', async () => {
    const config = await configured();
    const { request } = await flows.fresh({ redirect_uri: LOOPBACK_URI });
    const answer = await fetch(flows.plainly(config, request), { redirect: 'manual' });
    assert.equal(await errorOf(answer), 'invalid_target');
  });
}

/** The error that a client is sent, or that a link on a page would bring to a client which registered itself. */
async function errorOf(answer) {
  const told = answer.headers.get('location') ?? (await answer.text());
  return told.match(/[?#&;]error=(\w+)/)?.[1];
}
