// Writes the clients of examples/provider that the other scripts sign in with: `node clients.mjs DIRECTORY`.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const REDIRECT_URI = 'https://client.example/cb';
export const WEB_SECRET = 'a secret with a colon : and a plus +';
export const KEY_FILE = 'assertion_key.json';
export const CLIENTS_FILE = 'clients.json';

const SCOPE = 'openid profile email offline_access';
const GRANTS = ['authorization_code', 'refresh_token'];

async function main(directory) {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const clients = [
    {
      client_id: 'web',
      client_secret: WEB_SECRET,
      client_name: 'Web application',
      redirect_uris: [REDIRECT_URI],
      grant_types: [...GRANTS, 'client_credentials'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      scope: SCOPE,
    },
    {
      client_id: 'assertion',
      client_name: 'Application with a key',
      redirect_uris: [REDIRECT_URI],
      grant_types: GRANTS,
      response_types: ['code'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      id_token_signed_response_alg: 'ES256',
      jwks: { keys: [{ kty, crv, x, y, kid: 'interop', alg: 'ES256', use: 'sig' }] },
      scope: SCOPE,
    },
    {
      client_id: 'native',
      client_name: 'Native application',
      redirect_uris: ['http://127.0.0.1/cb'],
      grant_types: GRANTS,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      scope: SCOPE,
    },
  ];
  writeFileSync(join(directory, CLIENTS_FILE), JSON.stringify(clients, null, 2));
  writeFileSync(join(directory, KEY_FILE), JSON.stringify(await crypto.subtle.exportKey('jwk', pair.privateKey)));
}

if (process.argv[1] === import.meta.filename) {
  await main(process.argv[2]);
}
