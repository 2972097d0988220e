// openid-client 6 goes through FAPI 2.0 at `examples/provider --profile PROFILE`:
// `node fapi2.mjs ISSUER DIRECTORY PROFILE`, where the directory holds what secured_clients.mjs wrote.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeProtectedHeader } from 'jose';
import * as client from 'openid-client';
import { certifiedFetch } from './certified_fetch.mjs';
import { REDIRECT_URI } from './clients.mjs';
import * as flows from './flows.mjs';
import { certificateOf, secured } from './secured_clients.mjs';
import { signIn } from './sign_in.mjs';

const [issuer, directory, profile] = process.argv.slice(2);
const { keys } = await secured(directory);
const clients = new flows.Clients(issuer, keys);
const key = { key: keys.PS256, kid: 'PS256' };
const signs = profile === 'fapi2-message-signing';
const url = signs ? flows.signedAndPushed(key) : flows.pushed;
const metadata = { id_token_signed_response_alg: 'PS256' };
const execute = signs ? [client.useJwtResponseMode] : [];
const SCOPE = { scope: 'openid email offline_access', prompt: 'consent' };

const dpop = () => clients.signing('fapi-dpop', 'PS256', { metadata, execute });
const byCertificate = (id, authentication) => {
  const fetch = certifiedFetch(certificateOf('named'));
  const aliases = { ...metadata, use_mtls_endpoint_aliases: true };
  return clients.discover(id, aliases, authentication, { fetch, execute });
};

test('discovery shows what the profile leaves', async () => {
  const as = (await dpop()).serverMetadata();
  assert.equal(as.require_pushed_authorization_requests, true);
  assert.deepEqual(as.response_types_supported, ['code']);
  assert.equal(as.authorization_response_iss_parameter_supported, true);
  assert.deepEqual(as.code_challenge_methods_supported, ['S256']);
  const methods = ['private_key_jwt', 'self_signed_tls_client_auth', 'tls_client_auth'];
  assert.deepEqual([...as.token_endpoint_auth_methods_supported].sort(), methods);
  for (const member of ['id_token', 'token_endpoint_auth', 'dpop']) {
    const algorithms = as[`${member}_signing_alg_values_supported`];
    assert.deepEqual([...algorithms].sort(), ['ES256', 'EdDSA', 'PS256'], member);
  }
  assert.equal(as.response_modes_supported.includes('jwt'), signs);
  assert.equal(Boolean(as.require_signed_request_object), signs);
});

test('private_key_jwt and DPoP, from the request to a refresh', async () => {
  const config = await dpop();
  const { DPoP, jkt } = await flows.proving(config, 'PS256');
  const tokens = await flows.tokensOf(config, { url, DPoP, ...SCOPE });
  assert.equal(tokens.token_type, 'dpop');
  assert.deepEqual(flows.confirmationOf(tokens.access_token), { jkt });
  assert.equal(decodeProtectedHeader(tokens.id_token).alg, 'PS256');
  assert.ok(tokens.expires_in <= 600);
  const { sub } = tokens.claims();
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, sub, { DPoP });
  assert.equal(userinfo.email, 'alice@wonderland.example');
  assert.equal((await flows.toldByResource(config, tokens.access_token, { DPoP })).sub, sub);
  const again = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  assert.equal(again.refresh_token ?? tokens.refresh_token, tokens.refresh_token, 'nothing rotates');
  assert.deepEqual(flows.confirmationOf(again.access_token), { jkt });
});

test('without a proof there is no token', async () => {
  await assert.rejects(flows.tokensOf(await dpop(), { url }), flows.refusedWith('invalid_dpop_proof'));
});

for (const [id, authentication] of [
  ['fapi-mtls', client.PrivateKeyJwt(key)],
  ['fapi-named', client.TlsClientAuth()],
]) {
  test(`${id}: tokens are bound to the certificate of the connection`, async () => {
    const config = await byCertificate(id, authentication);
    const tokens = await flows.tokensOf(config, { url, ...SCOPE });
    assert.deepEqual(Object.keys(flows.confirmationOf(tokens.access_token)), ['x5t#S256']);
    const { sub } = tokens.claims();
    assert.equal((await client.fetchUserInfo(config, tokens.access_token, sub)).sub, sub);
    const at = config.serverMetadata().mtls_endpoint_aliases.token_endpoint;
    assert.equal((await flows.toldByResource(config, tokens.access_token, { at })).sub, sub);
    const headers = { authorization: `Bearer ${tokens.access_token}` };
    assert.equal(await flows.userinfoStatus(config, headers), 401);
    const again = await client.refreshTokenGrant(config, tokens.refresh_token);
    assert.deepEqual(flows.confirmationOf(again.access_token), flows.confirmationOf(tokens.access_token));
  });
}

test('a request that is not pushed is refused', async () => {
  const config = await dpop();
  const { request } = await flows.fresh({ redirect_uri: REDIRECT_URI });
  const answer = await fetch(flows.plainly(config, request), { redirect: 'manual' });
  assert.equal(answer.status, 400);
  assert.match(await answer.text(), /Request rejected[^]*must be pushed/);
});

test('a request without PKCE is refused', async () => {
  const config = await dpop();
  const { request } = await flows.fresh({ redirect_uri: REDIRECT_URI });
  delete request.code_challenge;
  delete request.code_challenge_method;
  await assert.rejects(url(config, request, {}), flows.refusedWith('invalid_request'));
});

if (signs) {
  test('a request that nobody signed is refused', async () => {
    const config = await dpop();
    const { request } = await flows.fresh({ redirect_uri: REDIRECT_URI });
    await assert.rejects(flows.pushed(config, request, {}), flows.refusedWith('invalid_request'));
  });

  test('the answer is a JWT signed by an algorithm of the profile', async () => {
    const config = await dpop();
    const { DPoP } = await flows.proving(config);
    const { request, checks } = await flows.fresh({ redirect_uri: REDIRECT_URI });
    const answer = await signIn(await url(config, request, { DPoP }), REDIRECT_URI);
    assert.deepEqual([...answer.searchParams.keys()], ['response']);
    assert.equal(decodeProtectedHeader(answer.searchParams.get('response')).alg, 'PS256');
    const tokens = await client.authorizationCodeGrant(config, answer, checks, undefined, { DPoP });
    config.clientMetadata().introspection_signed_response_alg = 'PS256';
    assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, true);
  });
}
