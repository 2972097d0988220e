// What the scripts share that sign in at `examples/provider --profile openid`: `node peers.mjs DIRECTORY` writes their
// client, and where they listen themselves.
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CLIENTS_FILE, REDIRECT_URI } from './clients.mjs';

export const PEER = 'peer';
export const SECRET = 'a secret of the peers with a & and a %';
export const POST_LOGOUT_URI = 'https://client.example/signed-out';
export const SCOPE = 'openid profile email offline_access';
export const RESPONSE_TYPES = [
  'code',
  'code id_token',
  'code id_token token',
  'code token',
  'id_token',
  'id_token token',
  'none',
];

const PEER_FILE = 'peer.json';
const EXAMPLES = join(import.meta.dirname, '../examples');

async function main(directory) {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const port = await freePort();
  const client = {
    client_id: PEER,
    client_secret: SECRET,
    redirect_uris: [REDIRECT_URI],
    post_logout_redirect_uris: [POST_LOGOUT_URI],
    backchannel_logout_uri: `https://127.0.0.1:${port}/logout`,
    request_uris: [`https://127.0.0.1:${port}/request`],
    grant_types: ['authorization_code', 'implicit', 'refresh_token'],
    response_types: RESPONSE_TYPES,
    jwks: { keys: [{ kty, crv, x, y, kid: PEER, alg: 'ES256', use: 'sig' }] },
    scope: SCOPE,
  };
  writeFileSync(join(directory, CLIENTS_FILE), JSON.stringify([client]));
  const key = await crypto.subtle.exportKey('jwk', pair.privateKey);
  writeFileSync(join(directory, PEER_FILE), JSON.stringify({ port, key }));
}

/** A port that nothing listens on now. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await once(server.close(), 'close');
  return port;
}

/** What `main` left: the port that is this client's, and the key of its request objects. */
export async function peer(directory) {
  const { port, key } = JSON.parse(readFileSync(join(directory, PEER_FILE), 'utf8'));
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  return { port, key: await crypto.subtle.importKey('jwk', key, algorithm, false, ['sign']) };
}

/** Serves https on this machine, by a certificate that the provider was told to trust. */
export async function serve(port, listener) {
  const [cert, key] = ['loopback.crt', 'loopback.key'].map((name) => readFileSync(join(EXAMPLES, name)));
  const server = createTlsServer({ cert, key }, listener).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export async function bodyOf(request) {
  let body = '';
  for await (const part of request) body += part;
  return new URLSearchParams(body);
}

/** The parameters of an answer, whichever way it came. */
export async function parametersOf(answer) {
  if (answer instanceof Request) return Object.fromEntries(await answer.formData());
  return Object.fromEntries(new URLSearchParams(answer.hash ? answer.hash.slice(1) : answer.search));
}

if (process.argv[1] === import.meta.filename) {
  await main(process.argv[2]);
}
