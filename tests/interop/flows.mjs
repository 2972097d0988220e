// How the scripts go through security extensions by openid-client: who a client is, and the way to a code and back.
import assert from 'node:assert/strict';
import { decodeJwt } from 'jose';
import * as client from 'openid-client';
import { certifiedFetch } from './certified_fetch.mjs';
import { REDIRECT_URI } from './clients.mjs';
import { certificateOf } from './secured_clients.mjs';
import { signIn } from './sign_in.mjs';

/** Clients of an issuer, by the keys of `secured`. */
export class Clients {
  constructor(issuer, keys) {
    Object.assign(this, { issuer, keys });
  }

  /** A client that signs assertions by the key of an algorithm. */
  signing(id, alg, { metadata = {}, ...more } = {}) {
    const authentication = client.PrivateKeyJwt({ key: this.keys[alg], kid: alg });
    return this.discover(id, { id_token_signed_response_alg: 'RS256', ...metadata }, authentication, more);
  }

  /** A client on connections with a certificate, to the endpoints for those. */
  certified(id, certificate, authentication = client.TlsClientAuth(), metadata = {}) {
    const members = { use_mtls_endpoint_aliases: true, ...metadata };
    return this.discover(id, members, authentication, { fetch: certifiedFetch(certificateOf(certificate)) });
  }

  discover(id, metadata, authentication, { fetch, execute = [] } = {}) {
    const options = fetch ? { execute, [client.customFetch]: fetch } : { execute };
    return client.discovery(new URL(this.issuer), id, metadata, authentication, options);
  }
}

/**
 * Goes to the provider and back for tokens. `url` says how the request travels; `more` are its parameters, and `DPoP`
 * makes the proof of every request.
 */
export async function tokensOf(config, { url = plainly, redirect_uri = REDIRECT_URI, DPoP, press, ...more } = {}) {
  const { request, checks } = await fresh({ redirect_uri, ...more });
  const answer = await signIn(await url(config, request, { DPoP }), redirect_uri, { press });
  return client.authorizationCodeGrant(config, answer, checks, undefined, { DPoP });
}

/** A request with PKCE, `state` and `nonce`, and what its answer is checked against. */
export async function fresh(parameters) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const checks = { pkceCodeVerifier, expectedNonce: client.randomNonce(), expectedState: client.randomState() };
  const request = {
    scope: 'openid email',
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    nonce: checks.expectedNonce,
    state: checks.expectedState,
    ...parameters,
  };
  return { request, checks: { ...checks, idTokenExpected: request.scope.includes('openid') } };
}

export const plainly = (config, request) => client.buildAuthorizationUrl(config, request);

/** Pushed, so that the browser carries nothing but a reference. */
export async function pushed(config, request, options) {
  const url = await client.buildAuthorizationUrlWithPAR(config, request, options);
  assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri']);
  assert.match(url.searchParams.get('request_uri'), /^urn:ietf:params:oauth:request_uri:[\w.~-]{43,}$/);
  return url;
}

/** Signed, with what OpenID Connect Core 1.0 section 6.1 wants beside the object. */
export const signed = (key) => async (config, request) => {
  const url = await client.buildAuthorizationUrlWithJAR(config, request, key);
  url.searchParams.set('scope', request.scope);
  url.searchParams.set('response_type', 'code');
  return url;
};

/** Signed, and pushed. */
export const signedAndPushed = (key) => async (config, request, options) => {
  const url = await client.buildAuthorizationUrlWithJAR(config, request, key);
  return pushed(config, url.searchParams, options);
};

/** A handle of a new key, and the thumbprint by which tokens name it. */
export async function proving(config, alg = 'ES256') {
  const pair = await client.randomDPoPKeyPair(alg);
  const DPoP = client.getDPoPHandle(config, pair);
  return { DPoP, pair, jkt: await DPoP.calculateThumbprint() };
}

export const confirmationOf = (accessToken) => decodeJwt(accessToken).cnf;

export function refusedWith(code) {
  return (error) => error.error === code || assert.fail(`expected ${code}, got ${error.stack}`);
}

/** What the API of the provider tells whoever presents a token; `at` is its origin, where that is another. */
export async function toldByResource(config, accessToken, { at, ...options } = {}) {
  const url = new URL('/resource', at ?? config.serverMetadata().issuer);
  const response = await client.fetchProtectedResource(config, accessToken, url, 'GET', null, undefined, options);
  assert.equal(response.status, 200);
  return response.json();
}

/** Userinfo by a bare request. */
export async function userinfoStatus(config, headers, fetchAs = fetch) {
  return (await fetchAs(config.serverMetadata().userinfo_endpoint, { headers })).status;
}
