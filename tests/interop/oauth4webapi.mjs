// oauth4webapi goes step by step through what openid-client does in one: `node oauth4webapi.mjs ISSUER DIRECTORY`, at
// `examples/provider`, where the directory holds what secured_clients.mjs wrote.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as oauth from 'oauth4webapi';
import { REDIRECT_URI } from './clients.mjs';
import { RESOURCE, SECRET, secured } from './secured_clients.mjs';
import { signIn } from './sign_in.mjs';

const [issuer, directory] = process.argv.slice(2);
const { keys } = await secured(directory);
const at = new URL(issuer);
const ES256 = { key: keys.ES256, kid: 'ES256' };
const registered = { client_id: 'signing', authorization_signed_response_alg: 'ES256' };

const discovered = async (algorithm) =>
  oauth.processDiscoveryResponse(at, await oauth.discoveryRequest(at, { algorithm }));

async function pushed(as, client, parameters, DPoP) {
  const how = oauth.PrivateKeyJwt(ES256);
  const response = await oauth.pushedAuthorizationRequest(as, client, how, parameters, { DPoP });
  return oauth.processPushedAuthorizationResponse(as, client, response);
}

/** The answer to a request that was signed and pushed; the response is a JWT. */
async function answered(as, client, { DPoP, ...more }) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const parameters = {
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    response_mode: 'jwt',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    ...more,
  };
  const request = await oauth.issueRequestObject(as, client, parameters, ES256);
  const { request_uri } = await pushed(as, client, { client_id: client.client_id, request }, DPoP);
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({ client_id: client.client_id, request_uri });
  return { answer: await signIn(url, REDIRECT_URI), verifier, state };
}

async function tokensOf(as, client, { DPoP, ...more } = {}) {
  const { answer, verifier, state } = await answered(as, client, { DPoP, ...more });
  const params = await oauth.validateJwtAuthResponse(as, client, answer, state);
  const how = oauth.PrivateKeyJwt(ES256);
  const response = await oauth.authorizationCodeGrantRequest(as, client, how, params, REDIRECT_URI, verifier, { DPoP });
  return oauth.processAuthorizationCodeResponse(as, client, response);
}

test('both documents of discovery say the same', async () => {
  const [openid, plain] = [await discovered('oidc'), await discovered('oauth2')];
  assert.deepEqual(openid, plain);
  for (const member of ['pushed_authorization_request_endpoint', 'mtls_endpoint_aliases', 'introspection_endpoint']) {
    assert.ok(openid[member], member);
  }
});

test('a request that is signed and pushed, a response that is signed, a token that is bound', async () => {
  const [as, client] = [await discovered('oauth2'), { ...registered }];
  const pair = await oauth.generateKeyPair('ES256');
  const DPoP = oauth.DPoP(client, pair);
  const tokens = await tokensOf(as, client, { DPoP, scope: 'read', resource: RESOURCE });
  assert.equal(tokens.token_type, 'dpop');

  // The library is the resource server too: it weighs the token, its audience, and the proof that came with it.
  let arrived;
  const arriving = async (url, options) => {
    arrived = new Request(url, options);
    return new Response('{}');
  };
  const request = { DPoP, [oauth.customFetch]: arriving };
  await oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL(RESOURCE), undefined, undefined, request);
  const claims = await oauth.validateJwtAccessToken(as, arrived, RESOURCE, { requireDPoP: true });
  assert.deepEqual([claims.sub, claims.client_id, claims.scope], ['alice', 'signing', 'read']);
  await assert.rejects(oauth.validateJwtAccessToken(as, arrived, 'https://elsewhere.example/', { requireDPoP: true }));
});

test('a response for somebody else is noticed', async () => {
  const [as, client] = [await discovered('oidc'), { ...registered }];
  const { answer, state } = await answered(as, client, { scope: 'openid', nonce: oauth.generateRandomNonce() });
  const other = { ...client, client_id: 'sealed' };
  await assert.rejects(oauth.validateJwtAuthResponse(as, other, answer, state));
  assert.ok(await oauth.validateJwtAuthResponse(as, client, answer, state));
});

test('introspection of a resource server is signed for it', async () => {
  const [as, client] = [await discovered('oauth2'), { ...registered }];
  const { access_token } = await tokensOf(as, client, { scope: 'read', resource: RESOURCE });
  const api = { client_id: 'api', introspection_signed_response_alg: 'ES256' };
  const how = oauth.ClientSecretBasic(SECRET);
  const asked = await oauth.introspectionRequest(as, api, how, access_token, { requestJwtResponse: true });
  const told = await oauth.processIntrospectionResponse(as, api, asked);
  assert.deepEqual([told.active, told.scope, told.aud], [true, 'read', RESOURCE]);
  await oauth.validateApplicationLevelSignature(as, asked);
});
