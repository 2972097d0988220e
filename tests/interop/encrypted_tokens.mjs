// ID tokens and userinfo responses that only their client reads, and request objects that only the provider does:
// openid-client 6 and jose at `examples/provider --profile openid`.
// `node encrypted_tokens.mjs ISSUER DIRECTORY`, where the directory holds what peers.mjs wrote.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompactEncrypt, decodeProtectedHeader, importJWK } from 'jose';
import * as client from 'openid-client';
import { REDIRECT_URI } from './clients.mjs';
import { ENCRYPTED, PEER, SECRET, peer } from './peers.mjs';
import { signIn } from './sign_in.mjs';

const [issuer, directory] = process.argv.slice(2);
const { key, decryptionKeys } = await peer(directory);

/** The client that registered this algorithm, and can read what is encrypted by it. */
function configured(alg) {
  const authentication = client.ClientSecretBasic(SECRET);
  const decryption = { key: decryptionKeys[alg], kid: alg, alg };
  const execute = [
    client.allowInsecureRequests, // plain http on loopback
    (config) => client.enableDecryptingResponses(config, undefined, decryption),
  ];
  const metadata = { id_token_encrypted_response_alg: alg, userinfo_signed_response_alg: 'RS256' };
  return client.discovery(new URL(issuer), ENCRYPTED[alg], metadata, authentication, { execute });
}

function fresh() {
  const checks = { expectedNonce: client.randomNonce(), expectedState: client.randomState() };
  const { expectedNonce: nonce, expectedState: state } = checks;
  return { checks, request: { redirect_uri: REDIRECT_URI, scope: 'openid email', nonce, state } };
}

for (const alg of Object.keys(ENCRYPTED)) {
  test(`${alg}: an ID token and a userinfo response`, async () => {
    const config = await configured(alg);
    const { checks, request } = fresh();
    const answer = await signIn(client.buildAuthorizationUrl(config, request), REDIRECT_URI);
    const tokens = await client.authorizationCodeGrant(config, answer, checks);
    const header = decodeProtectedHeader(tokens.id_token);
    assert.deepEqual([header.alg, header.kid, header.cty], [alg, alg, 'JWT']);
    const claims = tokens.claims();
    assert.equal(claims.aud, ENCRYPTED[alg]);
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
    assert.equal(userinfo.email, 'alice@wonderland.example');
  });

  test(`${alg}: a signed request object that is encrypted to the provider`, async () => {
    const config = await configured(alg);
    const { checks, request } = fresh();
    const url = await client.buildAuthorizationUrlWithJAR(config, request, { key, kid: PEER });
    const signed = new TextEncoder().encode(url.searchParams.get('request'));
    const to = await encryptionKey(config, alg);
    const header = { alg, enc: 'A256GCM', kid: to.kid, cty: 'JWT' };
    const object = new CompactEncrypt(signed).setProtectedHeader(header);
    url.searchParams.set('request', await object.encrypt(await importJWK(to, alg)));
    url.searchParams.set('response_type', 'code');
    url.searchParams.set('scope', request.scope);
    const answer = await signIn(url, REDIRECT_URI);
    const tokens = await client.authorizationCodeGrant(config, answer, checks);
    assert.equal(tokens.claims().nonce, checks.expectedNonce);
  });
}

/** The key that the provider publishes for this algorithm. */
async function encryptionKey(config, alg) {
  const { keys } = await (await fetch(config.serverMetadata().jwks_uri)).json();
  const found = keys.filter((known) => known.use === 'enc' && known.alg === alg);
  assert.equal(found.length, 1, alg);
  return found[0];
}
