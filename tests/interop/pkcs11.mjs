// openid-client and jose verify tokens of `examples/pkcs11`, whose key is in a token: `node pkcs11.mjs ISSUER`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as client from 'openid-client';

const [issuer] = process.argv.slice(2);
const REDIRECT_URI = 'https://app.example/callback';

async function tokens() {
  const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks];
  const config = await client.discovery(new URL(issuer), 'my-app', {}, client.None(), { execute });
  const verifier = client.randomPKCECodeVerifier();
  const checks = {
    pkceCodeVerifier: verifier,
    expectedNonce: client.randomNonce(),
    expectedState: client.randomState(),
    idTokenExpected: true,
  };
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI,
    scope: 'openid',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    nonce: checks.expectedNonce,
    state: checks.expectedState,
  });
  const answer = await fetch(url, { redirect: 'manual' });
  const back = new URL(answer.headers.get('location'));
  assert.ok(back.href.startsWith(REDIRECT_URI), back.href);
  return { config, tokens: await client.authorizationCodeGrant(config, back, checks) };
}

test('openid-client verifies an ID token that the token has signed', async () => {
  const { tokens: issued } = await tokens();
  assert.equal(issued.claims().sub, 'alice');
});

test('jose finds the key in the published set by its kid', async () => {
  const { config, tokens: issued } = await tokens();
  const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
  const { payload, protectedHeader } = await jwtVerify(issued.id_token, keys, { issuer, audience: 'my-app' });
  assert.equal(payload.sub, 'alice');
  assert.equal(protectedHeader.alg, 'RS256');
  const altered = issued.id_token.replace(/\.([^.]+)$/, (_, text) => `.${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`);
  await assert.rejects(jwtVerify(altered, keys), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' });
});

test('many sign-ins at once are all signed', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => tokens()));
  assert.equal(new Set(all.map(({ tokens: issued }) => issued.id_token)).size, 20);
});
