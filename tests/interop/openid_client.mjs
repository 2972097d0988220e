// openid-client signs in at examples/provider: `node openid_client.mjs ISSUER DIRECTORY`, where the directory holds
// what clients.mjs wrote.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as client from 'openid-client';
import { KEY_FILE, REDIRECT_URI, WEB_SECRET } from './clients.mjs';
import { signIn } from './sign_in.mjs';

const [issuer, directory] = process.argv.slice(2);
const LOOPBACK_URI = 'http://127.0.0.1:53123/cb'; // any port will do (RFC 8252 section 7.3)
const SCOPE = 'openid profile email offline_access';

const web = () => discover('web', client.ClientSecretBasic(WEB_SECRET));
const native = () => discover('native', client.None());

async function assertion() {
  const jwk = JSON.parse(readFileSync(join(directory, KEY_FILE), 'utf8'));
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
  return discover('assertion', client.PrivateKeyJwt({ key, kid: 'interop' }), {
    id_token_signed_response_alg: 'ES256',
  });
}

function discover(id, authentication, metadata = {}) {
  const execute = [client.allowInsecureRequests]; // plain http on loopback
  return client.discovery(new URL(issuer), id, metadata, authentication, { execute });
}

/** Goes to the provider and back; returns the answer and what it has to be checked against. */
async function authorize(config, { redirect_uri = REDIRECT_URI, press, ...extra } = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const checks = {
    pkceCodeVerifier: verifier,
    expectedNonce: client.randomNonce(),
    expectedState: client.randomState(),
    idTokenExpected: true,
  };
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri,
    scope: SCOPE,
    prompt: 'consent', // offline_access asks for it
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    nonce: checks.expectedNonce,
    state: checks.expectedState,
    ...extra,
  });
  return { answer: await signIn(url, redirect_uri, { press }), checks };
}

async function tokensOf(config, options) {
  const { answer, checks } = await authorize(config, options);
  return client.authorizationCodeGrant(config, answer, checks);
}

function refusedWith(code) {
  return (error) => error.error === code || assert.fail(`expected ${code}, got ${error.stack}`);
}

test('discovery names what the provider can do', async () => {
  const metadata = (await web()).serverMetadata();
  assert.equal(metadata.issuer, issuer);
  assert.ok(metadata.supportsPKCE());
  assert.ok(metadata.authorization_response_iss_parameter_supported);
  for (const mode of ['query', 'form_post']) assert.ok(metadata.response_modes_supported.includes(mode));
  for (const method of ['client_secret_basic', 'private_key_jwt', 'none']) {
    assert.ok(metadata.token_endpoint_auth_methods_supported.includes(method), method);
  }
});

test('a code with PKCE and a nonce becomes tokens, and userinfo answers', async () => {
  const config = await web();
  const tokens = await tokensOf(config);
  const claims = tokens.claims();
  assert.equal(claims.iss, issuer);
  assert.equal(claims.aud, 'web');
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  assert.equal(userinfo.sub, claims.sub);
  assert.ok(userinfo.email);
  assert.ok(userinfo.name);
});

test('a person who does not agree comes back with access_denied', async () => {
  const config = await web();
  const { answer, checks } = await authorize(config, { press: 'consent-deny' });
  await assert.rejects(client.authorizationCodeGrant(config, answer, checks), refusedWith('access_denied'));
});

test('form_post carries the answer in a body', async () => {
  const config = await web();
  const { answer, checks } = await authorize(config, { response_mode: 'form_post' });
  assert.ok(answer instanceof Request);
  const tokens = await client.authorizationCodeGrant(config, answer, checks);
  assert.ok(tokens.access_token);
});

test('private_key_jwt authenticates at every endpoint', async () => {
  const config = await assertion();
  const tokens = await tokensOf(config);
  assert.ok((await client.tokenIntrospection(config, tokens.access_token)).active);
  const fresh = await client.refreshTokenGrant(config, tokens.refresh_token);
  await client.tokenRevocation(config, fresh.access_token);
  assert.equal((await client.tokenIntrospection(config, fresh.access_token)).active, false);
});

test('client credentials give a token of the client itself', async () => {
  const config = await web();
  const tokens = await client.clientCredentialsGrant(config, { scope: 'profile' });
  assert.equal(tokens.id_token, undefined);
  assert.equal(tokens.refresh_token, undefined);
  const token = await client.tokenIntrospection(config, tokens.access_token);
  assert.equal(token.client_id, 'web');
});

test('a refresh brings a new access token and an ID token of the same person', async () => {
  const config = await web();
  const first = await tokensOf(config);
  const second = await client.refreshTokenGrant(config, first.refresh_token);
  assert.notEqual(second.access_token, first.access_token);
  assert.equal(second.claims().sub, first.claims().sub);
  assert.equal(second.claims().auth_time, first.claims().auth_time);
});

test('introspection tells of a token until it is revoked', async () => {
  const config = await web();
  const tokens = await tokensOf(config);
  const before = await client.tokenIntrospection(config, tokens.access_token);
  assert.ok(before.active);
  assert.equal(before.sub, tokens.claims().sub);
  assert.deepEqual(new Set(before.scope.split(' ')), new Set(SCOPE.split(' ')));
  await client.tokenRevocation(config, tokens.refresh_token);
  assert.deepEqual(await client.tokenIntrospection(config, tokens.access_token), { active: false });
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), refusedWith('invalid_grant'));
});

// attack 108
test('a code sent again is refused and ends the tokens it gave', async () => {
  const config = await web();
  const { answer, checks } = await authorize(config);
  const tokens = await client.authorizationCodeGrant(config, answer, checks);
  await assert.rejects(client.authorizationCodeGrant(config, answer, checks), refusedWith('invalid_grant'));
  assert.deepEqual(await client.tokenIntrospection(config, tokens.access_token), { active: false });
});

// attack 122, attack 125
test('a rotated refresh token sent after its successor was used ends the family', async () => {
  const config = await native();
  const first = await tokensOf(config, { redirect_uri: LOOPBACK_URI });
  const second = await client.refreshTokenGrant(config, first.refresh_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  const third = await client.refreshTokenGrant(config, second.refresh_token);
  await assert.rejects(client.refreshTokenGrant(config, first.refresh_token), refusedWith('invalid_grant'));
  await assert.rejects(client.refreshTokenGrant(config, third.refresh_token), refusedWith('invalid_grant'));
});

// attack 123
test('a refresh whose answer was lost can be sent again', async () => {
  const config = await native();
  const first = await tokensOf(config, { redirect_uri: LOOPBACK_URI });
  const lost = await client.refreshTokenGrant(config, first.refresh_token);
  const again = await client.refreshTokenGrant(config, first.refresh_token);
  assert.equal(again.refresh_token, lost.refresh_token);
});
