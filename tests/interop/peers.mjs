// What the scripts share that sign in at `examples/provider --profile openid`: `node peers.mjs DIRECTORY` writes their
// clients, and where they listen themselves.
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, importJWK } from 'jose';
import { CLIENTS_FILE, REDIRECT_URI } from './clients.mjs';

export const PEER = 'peer';
/** The clients to which something is encrypted, by algorithm. */
export const ENCRYPTED = { 'RSA-OAEP-256': 'encrypted-rsa', 'ECDH-ES': 'encrypted-ecdh' };
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
export const EXAMPLES = join(import.meta.dirname, '../examples');

async function main(directory) {
  const port = await freePort();
  const signing = await keyPair('ES256', { kid: PEER, use: 'sig' });
  const common = {
    client_secret: SECRET,
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'implicit', 'refresh_token'],
    response_types: RESPONSE_TYPES,
    scope: SCOPE,
  };
  const clients = [
    {
      ...common,
      client_id: PEER,
      post_logout_redirect_uris: [POST_LOGOUT_URI],
      backchannel_logout_uri: `https://127.0.0.1:${port}/logout`,
      request_uris: [`https://127.0.0.1:${port}/request`],
      jwks: { keys: [signing.published] },
    },
  ];
  const decryption = {};
  for (const [alg, client_id] of Object.entries(ENCRYPTED)) {
    const pair = await keyPair(alg, { kid: alg, use: 'enc' });
    decryption[alg] = pair.kept;
    clients.push({
      ...common,
      client_id,
      id_token_encrypted_response_alg: alg,
      id_token_encrypted_response_enc: 'A256GCM',
      userinfo_signed_response_alg: 'RS256',
      userinfo_encrypted_response_alg: alg,
      jwks: { keys: [signing.published, pair.published] },
    });
  }
  writeFileSync(join(directory, CLIENTS_FILE), JSON.stringify(clients));
  writeFileSync(join(directory, PEER_FILE), JSON.stringify({ port, key: signing.kept, decryption }));
}

/** A key of a client: what it publishes, and what it keeps. */
export async function keyPair(alg, members) {
  const pair = await generateKeyPair(alg, { extractable: true });
  const [published, kept] = await Promise.all([exportJWK(pair.publicKey), exportJWK(pair.privateKey)]);
  return { published: { ...published, alg, ...members }, kept };
}

/** A port that nothing listens on now. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await once(server.close(), 'close');
  return port;
}

/** What `main` left: the port that is this client's, the key of its request objects, and those that decrypt. */
export async function peer(directory) {
  const { port, key, decryption } = JSON.parse(readFileSync(join(directory, PEER_FILE), 'utf8'));
  const keys = Object.entries(decryption).map(async ([alg, jwk]) => [alg, await importJWK(jwk, alg)]);
  return { port, key: await importJWK(key, 'ES256'), decryptionKeys: Object.fromEntries(await Promise.all(keys)) };
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
