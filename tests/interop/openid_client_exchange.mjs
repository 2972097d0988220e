// openid-client 6 gets one token for another, and reads what introspection signs, at `examples/provider`:
// `node openid_client_exchange.mjs ISSUER DIRECTORY`, where the directory holds what secured_clients.mjs wrote.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignJWT, decodeJwt } from 'jose';
import * as client from 'openid-client';
import * as flows from './flows.mjs';
import { EXCHANGE, IDP, JWT_BEARER, RESOURCE, SECRET, secured } from './secured_clients.mjs';

const [issuer, directory] = process.argv.slice(2);
const { keys } = await secured(directory);
const clients = new flows.Clients(issuer, keys);
const signing = () => clients.signing('signing', 'ES256');
const api = (metadata = {}) => clients.discover('api', metadata, client.ClientSecretBasic(SECRET));
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** A token of `signing` about alice, for the resource. */
const tokenForResource = async () =>
  (await flows.tokensOf(await signing(), { scope: 'openid read', resource: RESOURCE })).access_token;

function exchanged(config, subject_token, more = {}) {
  return client.genericGrantRequest(config, EXCHANGE, { subject_token, subject_token_type: ACCESS_TOKEN, ...more });
}

test('a resource server exchanges a token that is for it (RFC 8693)', async () => {
  const subject = await tokenForResource();
  const tokens = await exchanged(await api(), subject, { scope: 'read' });
  assert.equal(tokens.issued_token_type, ACCESS_TOKEN);
  assert.notEqual(tokens.access_token, subject);
  const [before, after] = [decodeJwt(subject), decodeJwt(tokens.access_token)];
  assert.deepEqual([after.sub, after.client_id, after.scope], [before.sub, 'api', 'read']);
  assert.ok(after.exp <= before.exp);
});

test('a token for somebody else is not exchanged', async () => {
  const { access_token } = await flows.tokensOf(await signing());
  await assert.rejects(exchanged(await api(), access_token), flows.refusedWith('invalid_request'));
});

/** What the trusted issuer says of somebody. */
const assertionAbout = (sub, key = keys.idp) =>
  new SignJWT({ scope: 'read' })
    .setProtectedHeader({ alg: 'ES256', kid: 'idp' })
    .setIssuer(IDP)
    .setSubject(sub)
    .setAudience(issuer)
    .setJti(client.randomNonce())
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(key);

test('an assertion of a trusted issuer gives a token about the person (RFC 7523)', async () => {
  const config = await signing();
  const assertion = await assertionAbout('alice');
  const tokens = await client.genericGrantRequest(config, JWT_BEARER, { assertion, scope: 'read' });
  assert.equal(tokens.refresh_token, undefined);
  const { sub, scope, client_id } = decodeJwt(tokens.access_token);
  assert.deepEqual([sub, scope, client_id], ['alice', 'read', 'signing']);
  const again = client.genericGrantRequest(config, JWT_BEARER, { assertion, scope: 'read' });
  await assert.rejects(again, flows.refusedWith('invalid_grant'));
});

test('an assertion about another, or by another key, gives nothing', async () => {
  const config = await signing();
  for (const assertion of [await assertionAbout('bob'), await assertionAbout('alice', keys.ES256)]) {
    const refused = client.genericGrantRequest(config, JWT_BEARER, { assertion, scope: 'read' });
    await assert.rejects(refused, flows.refusedWith('invalid_grant'));
  }
});

test('introspection answers in a signed JWT (RFC 9701)', async () => {
  const seen = [];
  const noting = async (url, options) => {
    const response = await fetch(url, options);
    seen.push(response.headers.get('content-type'));
    return response;
  };
  const config = await api({ introspection_signed_response_alg: 'ES256' });
  config[client.customFetch] = noting;
  const told = await client.tokenIntrospection(config, await tokenForResource());
  assert.deepEqual([told.active, told.client_id, told.aud], [true, 'signing', RESOURCE]);
  assert.ok(seen.includes('application/token-introspection+jwt'), seen.join());
});
