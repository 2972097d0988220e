// openid-client 6 goes through OpenID Connect at `examples/provider --profile openid`:
// `node openid_client_6.mjs ISSUER DIRECTORY`, where the directory holds what peers.mjs wrote.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as client from 'openid-client';
import { REDIRECT_URI } from './clients.mjs';
import { PEER, POST_LOGOUT_URI, RESPONSE_TYPES, SCOPE, SECRET, peer, serve } from './peers.mjs';
import { signIn } from './sign_in.mjs';

const [issuer, directory] = process.argv.slice(2);
const { port, key } = await peer(directory);
const execute = [client.allowInsecureRequests]; // plain http on loopback

const USES = {
  code: () => {},
  id_token: client.useIdTokenResponseType,
  'code id_token': client.useCodeIdTokenResponseType,
};

function configured(responseType) {
  const authentication = client.ClientSecretBasic(SECRET);
  return client.discovery(new URL(issuer), PEER, {}, authentication, { execute: [...execute, USES[responseType]] });
}

function fresh(parameters = {}) {
  const checks = { expectedNonce: client.randomNonce(), expectedState: client.randomState() };
  const { expectedNonce: nonce, expectedState: state } = checks;
  return { checks, request: { redirect_uri: REDIRECT_URI, scope: 'openid email', nonce, state, ...parameters } };
}

/** Reads an answer as the library does, and gives the claims of its ID token. */
async function claimsOf(config, responseType, answer, checks) {
  const { expectedNonce, expectedState } = checks;
  if (responseType === 'id_token') {
    return client.implicitAuthentication(config, answer, expectedNonce, { expectedState });
  }
  return (await client.authorizationCodeGrant(config, answer, checks)).claims();
}

for (const responseType of Object.keys(USES)) {
  for (const response_mode of [undefined, 'form_post']) {
    test(`${responseType} ${response_mode ?? ''}`, async () => {
      const config = await configured(responseType);
      const { checks, request } = fresh(response_mode && { response_mode });
      const answer = await signIn(client.buildAuthorizationUrl(config, request), REDIRECT_URI);
      assert.equal(answer instanceof Request, response_mode === 'form_post');
      const claims = await claimsOf(config, responseType, answer, checks);
      assert.equal(claims.aud, PEER);
      assert.equal(claims.email, responseType === 'id_token' ? 'alice@wonderland.example' : undefined);
    });
  }

  test(`${responseType} by a signed request object`, async () => {
    const config = await configured(responseType);
    const { checks, request } = fresh();
    const url = await client.buildAuthorizationUrlWithJAR(config, request, { key, kid: PEER });
    assert.ok(url.searchParams.has('request') && !url.searchParams.has('nonce'));
    asOpenId(url, request, responseType);
    const claims = await claimsOf(config, responseType, await signIn(url, REDIRECT_URI), checks);
    assert.equal(claims.nonce, checks.expectedNonce);
  });
}

/** What OpenID Connect Core 1.0 section 6.1 wants beside a request object. */
function asOpenId(url, { scope }, responseType) {
  url.searchParams.set('scope', scope);
  url.searchParams.set('response_type', responseType);
}

test('a request object is fetched from where the client keeps it', async () => {
  const config = await configured('code');
  const { checks, request } = fresh();
  const url = await client.buildAuthorizationUrlWithJAR(config, request, { key, kid: PEER });
  const object = url.searchParams.get('request');
  url.searchParams.delete('request');
  url.searchParams.set('request_uri', `https://127.0.0.1:${port}/request`);
  asOpenId(url, request, 'code');
  let asked = 0;
  const server = await serve(port, (_, response) => {
    asked += 1;
    response.setHeader('content-type', 'application/oauth-authz-req+jwt').end(object);
  });
  try {
    const claims = await claimsOf(config, 'code', await signIn(url, REDIRECT_URI), checks);
    assert.equal(claims.nonce, checks.expectedNonce);
    assert.equal(asked, 1);
  } finally {
    server.close();
  }
});

test('a client that the library registers signs in', async () => {
  const metadata = {
    client_name: 'Registered by a peer',
    redirect_uris: [REDIRECT_URI],
    response_types: RESPONSE_TYPES,
  };
  const authentication = client.ClientSecretBasic(); // what a client gets that registers no method
  const config = await client.dynamicClientRegistration(new URL(issuer), metadata, authentication, { execute });
  const { client_id, client_secret, registration_access_token, registration_client_uri } = config.clientMetadata();
  assert.ok(client_secret && client_id !== PEER);
  const { checks, request } = fresh();
  const answer = await signIn(client.buildAuthorizationUrl(config, request), REDIRECT_URI);
  const tokens = await client.authorizationCodeGrant(config, answer, checks);
  assert.equal(tokens.claims().aud, client_id);
  const authorization = `Bearer ${registration_access_token}`;
  const read = await fetch(registration_client_uri, { headers: { authorization } });
  assert.equal((await read.json()).client_name, metadata.client_name);
});

test('refresh, userinfo, and a logout that leads back to the client', async () => {
  const config = await configured('code');
  const cookies = new Map();
  const { checks, request } = fresh({ scope: SCOPE, prompt: 'consent' });
  const answer = await signIn(client.buildAuthorizationUrl(config, request), REDIRECT_URI, { cookies });
  const first = await client.authorizationCodeGrant(config, answer, checks);
  const second = await client.refreshTokenGrant(config, first.refresh_token);
  const userinfo = await client.fetchUserInfo(config, second.access_token, first.claims().sub);
  assert.equal(userinfo.email, 'alice@wonderland.example');

  const silent = async () => {
    const { checks, request } = fresh({ prompt: 'none' });
    const answer = await signIn(client.buildAuthorizationUrl(config, request), REDIRECT_URI, { cookies });
    return client.authorizationCodeGrant(config, answer, checks);
  };
  assert.equal((await silent()).claims().sid, first.claims().sid);
  const state = client.randomState();
  const logout = client.buildEndSessionUrl(config, {
    id_token_hint: first.id_token,
    post_logout_redirect_uri: POST_LOGOUT_URI,
    state,
  });
  const back = await signIn(logout, POST_LOGOUT_URI, { cookies });
  assert.equal(back.search, `?state=${state}`);
  await assert.rejects(silent, { error: 'login_required' });
});
