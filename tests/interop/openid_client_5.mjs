// openid-client 5, which still reads every response type, at `examples/provider --profile openid`:
// `node openid_client_5.mjs ISSUER DIRECTORY`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Issuer, custom, generators } from 'openid-client-5';
import { REDIRECT_URI } from './clients.mjs';
import { PEER, RESPONSE_TYPES, SECRET, parametersOf } from './peers.mjs';
import { signIn } from './sign_in.mjs';

custom.setHttpOptionsDefaults({ timeout: 20_000 });
const provider = await Issuer.discover(process.argv[2]);

for (const response_type of RESPONSE_TYPES) {
  for (const response_mode of [undefined, 'form_post']) {
    test(`${response_type} ${response_mode ?? ''}`, () => signInBy(response_type, response_mode));
  }
}

/** The library checks `state`, `iss`, `nonce`, signatures, and what `at_hash` and `c_hash` say of the rest. */
async function signInBy(response_type, response_mode) {
  const client = new provider.Client({
    client_id: PEER,
    client_secret: SECRET,
    redirect_uris: [REDIRECT_URI],
    response_types: [response_type],
  });
  const checks = { response_type, state: generators.state(), nonce: generators.nonce() };
  const url = client.authorizationUrl({ scope: 'openid email', response_mode, ...checks });
  const answer = await signIn(url, REDIRECT_URI);
  assert.equal(answer instanceof Request, response_mode === 'form_post');
  const parameters = await parametersOf(answer);
  const words = response_type.split(' ');
  for (const [word, name] of [['code', 'code'], ['token', 'access_token'], ['id_token', 'id_token']]) {
    assert.equal(name in parameters, words.includes(word), name);
  }
  const tokens = await client.callback(REDIRECT_URI, parameters, checks);
  assert.equal('id_token' in tokens, words.includes('code') || words.includes('id_token'));
  if (tokens.id_token) assert.equal(tokens.claims().nonce, checks.nonce);
  if (tokens.access_token) assert.equal((await client.userinfo(tokens)).email, 'alice@wonderland.example');
}
