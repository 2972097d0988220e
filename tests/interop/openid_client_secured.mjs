// openid-client 6 goes through what secures requests, clients and tokens at `examples/provider`:
// `node openid_client_secured.mjs ISSUER DIRECTORY`, where the directory holds what secured_clients.mjs wrote.
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import * as client from 'openid-client';
import { certifiedFetch } from './certified_fetch.mjs';
import { REDIRECT_URI } from './clients.mjs';
import * as flows from './flows.mjs';
import { LOOPBACK_URI, RESOURCE, SECRET, certificateOf, secured } from './secured_clients.mjs';
import { signIn } from './sign_in.mjs';

const [issuer, directory] = process.argv.slice(2);
const { keys } = await secured(directory);
const clients = new flows.Clients(issuer, keys);
const signing = (options) => clients.signing('signing', 'ES256', options);
const native = () => clients.discover('native', {}, client.None());
const key = { key: keys.ES256, kid: 'ES256' };

const WAYS = {
  'pushed (RFC 9126)': flows.pushed,
  'in a signed request object (RFC 9101)': flows.signed(key),
  'in a signed request object that is pushed': flows.signedAndPushed(key),
};

for (const [name, url] of Object.entries(WAYS)) {
  test(`a request goes ${name}`, async () => {
    const config = await signing();
    const tokens = await flows.tokensOf(config, { url });
    assert.equal(tokens.claims().aud, 'signing');
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
    assert.equal(userinfo.email, 'alice@wonderland.example');
  });
}

test('a reference is answered once', async () => {
  const config = await signing();
  const { request, checks } = await flows.fresh({ redirect_uri: REDIRECT_URI });
  const url = await flows.pushed(config, request);
  const answer = await signIn(url, REDIRECT_URI);
  assert.ok((await client.authorizationCodeGrant(config, answer, checks)).access_token);
  assert.equal((await fetch(url, { redirect: 'manual' })).status, 400);
});

test('a request object that another key signed is refused', async () => {
  const config = await signing();
  const { request } = await flows.fresh({ redirect_uri: REDIRECT_URI });
  const pushed = flows.signedAndPushed({ key: keys.idp, kid: 'ES256' })(config, request);
  await assert.rejects(pushed, flows.refusedWith('invalid_request_object'));
});

test('a response is a signed JWT (JARM)', async () => {
  const config = await signing({ execute: [client.useJwtResponseMode] });
  const { request, checks } = await flows.fresh({ redirect_uri: REDIRECT_URI });
  const answer = await signIn(client.buildAuthorizationUrl(config, request), REDIRECT_URI);
  assert.deepEqual([...answer.searchParams.keys()], ['response']);
  const response = answer.searchParams.get('response');
  assert.equal(decodeProtectedHeader(response).alg, 'ES256');
  assert.deepEqual([decodeJwt(response).iss, decodeJwt(response).aud], [issuer, 'signing']);
  const tokens = await client.authorizationCodeGrant(config, answer, checks);
  assert.equal(tokens.claims().nonce, checks.expectedNonce);
});

test('a refusal is a signed JWT too', async () => {
  const config = await signing({ execute: [client.useJwtResponseMode] });
  const { request, checks } = await flows.fresh({ redirect_uri: REDIRECT_URI, prompt: 'none' });
  const answer = await signIn(client.buildAuthorizationUrl(config, request), REDIRECT_URI);
  assert.deepEqual([...answer.searchParams.keys()], ['response']);
  await assert.rejects(client.authorizationCodeGrant(config, answer, checks), flows.refusedWith('login_required'));
});

test('a response is encrypted for the client that registered that', async () => {
  const decryption = { key: keys.sealed, kid: 'sealed' };
  const decrypting = (config) => client.enableDecryptingResponses(config, ['A256GCM'], decryption);
  const config = await clients.signing('sealed', 'ES256', { execute: [client.useJwtResponseMode, decrypting] });
  const { request, checks } = await flows.fresh({ redirect_uri: REDIRECT_URI });
  const answer = await signIn(client.buildAuthorizationUrl(config, request), REDIRECT_URI);
  const header = decodeProtectedHeader(answer.searchParams.get('response'));
  assert.deepEqual([header.alg, header.enc, header.cty], ['ECDH-ES', 'A256GCM', 'JWT']);
  const tokens = await client.authorizationCodeGrant(config, answer, checks);
  assert.equal(tokens.claims().nonce, checks.expectedNonce);
});

test('authorization details are shown, granted and told (RFC 9396)', async () => {
  const config = await signing();
  const payment = {
    type: 'payment_initiation',
    actions: ['initiate'],
    instructedAmount: { currency: 'EUR', amount: '123.50' },
    creditorName: 'Merchant A',
    creditorAccount: { iban: 'DE02100100109307118603' },
  };
  const authorization_details = JSON.stringify([payment]);
  const tokens = await flows.tokensOf(config, { url: flows.pushed, authorization_details });
  assert.deepEqual(tokens.authorization_details, [payment]);
  assert.deepEqual(decodeJwt(tokens.access_token).authorization_details, [payment]);
  const told = await client.tokenIntrospection(config, tokens.access_token);
  assert.deepEqual(told.authorization_details, [payment]);
  const wrong = JSON.stringify([{ ...payment, surprise: true }]);
  const refused = flows.tokensOf(config, { url: flows.pushed, authorization_details: wrong });
  await assert.rejects(refused, flows.refusedWith('invalid_authorization_details'));
});

test('a token is for the resource that was asked for (RFC 8707)', async () => {
  const config = await signing();
  const tokens = await flows.tokensOf(config, { resource: RESOURCE, scope: 'openid read' });
  assert.equal(decodeJwt(tokens.access_token).aud, RESOURCE);
  const elsewhere = flows.tokensOf(config, { url: flows.pushed, resource: 'https://elsewhere.example/' });
  await assert.rejects(elsewhere, flows.refusedWith('invalid_target'));
});

test('client_secret_jwt authenticates, and another secret does not', async () => {
  const by = (secret) => clients.discover('secret', {}, client.ClientSecretJwt(secret));
  const tokens = await flows.tokensOf(await by(SECRET), { url: flows.pushed });
  assert.equal(tokens.claims().aud, 'secret');
  const refused = flows.tokensOf(await by(SECRET.toUpperCase()), { url: flows.pushed });
  await assert.rejects(refused, flows.refusedWith('invalid_client'));
});

test('private_key_jwt by the key of somebody else does not authenticate', async () => {
  const foreign = client.PrivateKeyJwt({ key: keys.idp, kid: 'ES256' });
  const refused = flows.tokensOf(await clients.discover('signing', {}, foreign), { url: flows.pushed });
  await assert.rejects(refused, flows.refusedWith('invalid_client'));
});

for (const [name, config, redirect_uri] of [
  ['public', native, LOOPBACK_URI],
  ['confidential', signing, REDIRECT_URI],
]) {
  test(`tokens of a ${name} client are bound to the key that it proves (RFC 9449)`, async () => {
    const configured = await config();
    const { DPoP, jkt } = await flows.proving(configured);
    const url = flows.pushed;
    const asked = { url, redirect_uri, DPoP, scope: 'openid email offline_access', prompt: 'consent' };
    const tokens = await flows.tokensOf(configured, asked);
    assert.equal(tokens.token_type, 'dpop');
    assert.deepEqual(flows.confirmationOf(tokens.access_token), { jkt });
    const { sub } = tokens.claims();
    assert.equal((await client.fetchUserInfo(configured, tokens.access_token, sub, { DPoP })).sub, sub);
    assert.equal((await flows.toldByResource(configured, tokens.access_token, { DPoP })).sub, sub);
    const stolen = { authorization: `Bearer ${tokens.access_token}` };
    assert.equal(await flows.userinfoStatus(configured, stolen), 401);
    const { DPoP: another } = await flows.proving(configured);
    await assert.rejects(client.fetchUserInfo(configured, tokens.access_token, sub, { DPoP: another }));
    const again = await client.refreshTokenGrant(configured, tokens.refresh_token, undefined, { DPoP });
    assert.deepEqual(flows.confirmationOf(again.access_token), { jkt });
  });
}

test('the refresh token of a public client is worth nothing without its key', async () => {
  const config = await native();
  const { DPoP } = await flows.proving(config);
  const asked = { redirect_uri: LOOPBACK_URI, DPoP, scope: 'openid offline_access', prompt: 'consent' };
  const tokens = await flows.tokensOf(config, asked);
  const { DPoP: another } = await flows.proving(config);
  const stolen = client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: another });
  await assert.rejects(stolen, flows.refusedWith('invalid_grant'));
});

for (const id of ['named', 'keyed']) {
  test(`${id}: a certificate authenticates, and binds the tokens (RFC 8705)`, async () => {
    const config = await clients.certified(id, id);
    const aliases = config.serverMetadata().mtls_endpoint_aliases;
    assert.notEqual(new URL(aliases.token_endpoint).port, new URL(issuer).port);
    const tokens = await flows.tokensOf(config, { url: flows.pushed });
    const { raw } = new X509Certificate(certificateOf(id).cert);
    const thumbprint = createHash('sha256').update(raw).digest('base64url');
    assert.deepEqual(flows.confirmationOf(tokens.access_token), { 'x5t#S256': thumbprint });
    const { sub } = tokens.claims();
    assert.equal((await client.fetchUserInfo(config, tokens.access_token, sub)).sub, sub);
    const at = aliases.token_endpoint;
    assert.equal((await flows.toldByResource(config, tokens.access_token, { at })).sub, sub);
    const headers = { authorization: `Bearer ${tokens.access_token}` };
    assert.equal(await flows.userinfoStatus(config, headers), 401, 'without a certificate');
    assert.equal((await fetch(`${issuer}/resource`, { headers })).status, 401, 'without a certificate');
    const other = certifiedFetch(certificateOf(id === 'named' ? 'keyed' : 'named'));
    const elsewhere = await other(aliases.userinfo_endpoint, { headers });
    assert.equal(elsewhere.status, 401, 'by the certificate of another');
  });

  test(`${id}: the certificate of another does not authenticate`, async () => {
    const config = await clients.certified(id, id === 'named' ? 'keyed' : 'named');
    const refused = flows.tokensOf(config, { url: flows.pushed });
    await assert.rejects(refused, flows.refusedWith('invalid_client'));
  });
}
