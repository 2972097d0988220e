// The clients of the scripts that go through security extensions: `node secured_clients.mjs DIRECTORY` writes them,
// their keys, and whose assertions the provider trusts.
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importJWK } from 'jose';
import { CLIENTS_FILE, REDIRECT_URI } from './clients.mjs';
import { EXAMPLES, freePort, keyPair } from './peers.mjs';

export const SECRET = 'a secret of the services that is longer than 32 bytes';
export const RESOURCE = 'https://api.example/';
export const IDP = 'https://idp.example';
export const SCOPE = 'openid profile email offline_access read';
export const CIBA = 'urn:openid:params:grant-type:ciba';
export const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const LOOPBACK_URI = 'http://127.0.0.1:53123/cb'; // any port will do (RFC 8252 section 7.3)

/** What clients with certificates connect with: one that an authority named, and one that signed itself. */
export const CERTIFICATES = { named: 'client', keyed: 'loopback' };

const KEYS_FILE = 'keys_of_clients.json';
const CODE = { redirect_uris: [REDIRECT_URI], grant_types: ['authorization_code', 'refresh_token'] };

async function main(directory) {
  const port = await freePort();
  const [ES256, PS256] = await Promise.all(['ES256', 'PS256'].map((alg) => keyPair(alg, { kid: alg, use: 'sig' })));
  const sealed = await keyPair('ECDH-ES', { kid: 'sealed', use: 'enc' });
  const idp = await keyPair('ES256', { kid: 'idp', use: 'sig' });
  const keys = { ES256: ES256.kept, PS256: PS256.kept, sealed: sealed.kept, idp: idp.kept };
  const jwks = { keys: [ES256.published, PS256.published, sealed.published] };
  const clients = [...ofExtensions(jwks), ...ofProfiles(jwks), ...elsewhere(jwks, port)];
  writeFileSync(join(directory, CLIENTS_FILE), JSON.stringify(clients.map((client) => ({ scope: SCOPE, ...client }))));
  writeFileSync(join(directory, KEYS_FILE), JSON.stringify({ port, keys }));
  const trusted = [{ issuer: IDP, jwks: { keys: [idp.published] }, scope: 'read', subject: 'alice' }];
  writeFileSync(join(directory, 'trusted.json'), JSON.stringify(trusted));
}

function ofExtensions(jwks) {
  const signed = { token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256', jwks };
  return [
    {
      ...CODE,
      ...signed,
      client_id: 'signing',
      grant_types: [...CODE.grant_types, EXCHANGE, JWT_BEARER],
      request_object_signing_alg: 'ES256',
      authorization_signed_response_alg: 'ES256',
      authorization_details_types: ['payment_initiation'],
      settings: { consent: 'waived' }, // nobody is asked about a token for an assertion
    },
    {
      ...CODE,
      ...signed,
      client_id: 'sealed',
      authorization_signed_response_alg: 'ES256',
      authorization_encrypted_response_alg: 'ECDH-ES',
      authorization_encrypted_response_enc: 'A256GCM',
    },
    { ...CODE, client_id: 'secret', client_secret: SECRET, token_endpoint_auth_method: 'client_secret_jwt' },
    {
      ...CODE,
      client_id: 'native',
      redirect_uris: ['http://127.0.0.1/cb'],
      token_endpoint_auth_method: 'none',
    },
    {
      client_id: 'api',
      client_secret: SECRET,
      grant_types: ['client_credentials', EXCHANGE],
      response_types: [],
      introspection_signed_response_alg: 'ES256',
      settings: { introspects: [RESOURCE], consent: 'waived' },
    },
    ...withCertificates({ ...CODE }),
  ];
}

function withCertificates(common) {
  const bound = { ...common, tls_client_certificate_bound_access_tokens: true };
  return [
    {
      ...bound,
      client_id: 'named',
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_san_dns: 'client.example',
    },
    {
      ...bound,
      client_id: 'keyed',
      token_endpoint_auth_method: 'self_signed_tls_client_auth',
      jwks: { keys: [new X509Certificate(certificateOf('keyed').cert).publicKey.export({ format: 'jwk' })] },
    },
  ];
}

/** Clients that the profiles of FAPI let in, by keys alone and by algorithms of theirs. */
function ofProfiles(jwks) {
  const common = {
    ...CODE,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'PS256',
    request_object_signing_alg: 'PS256',
    authorization_signed_response_alg: 'PS256',
    introspection_signed_response_alg: 'PS256',
    id_token_signed_response_alg: 'PS256',
    jwks,
  };
  const { request_object_signing_alg, ...certified } = { ...common, tls_client_certificate_bound_access_tokens: true };
  const method = { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'client.example' };
  const { token_endpoint_auth_signing_alg, ...named } = { ...certified, ...method };
  return [
    { ...common, client_id: 'fapi-dpop', dpop_bound_access_tokens: true },
    { ...certified, client_id: 'fapi-mtls' },
    { ...named, client_id: 'fapi-named' },
    {
      ...certified,
      client_id: 'fapi-ciba',
      redirect_uris: [],
      grant_types: [CIBA],
      response_types: [],
      backchannel_token_delivery_mode: 'poll',
      backchannel_authentication_request_signing_alg: 'PS256',
    },
  ];
}

/** Clients whose people are not in front of them. */
function elsewhere(jwks, port) {
  const asking = {
    token_endpoint_auth_method: 'private_key_jwt',
    grant_types: [CIBA],
    response_types: [],
    jwks,
  };
  return [
    { client_id: 'tv', token_endpoint_auth_method: 'none', grant_types: [DEVICE], response_types: [] },
    { ...asking, client_id: 'asking', backchannel_token_delivery_mode: 'poll' },
    {
      ...asking,
      client_id: 'pinged',
      backchannel_token_delivery_mode: 'ping',
      backchannel_client_notification_endpoint: `https://127.0.0.1:${port}/ping`,
    },
    {
      ...asking,
      client_id: 'pushed',
      backchannel_token_delivery_mode: 'push',
      backchannel_client_notification_endpoint: `https://127.0.0.1:${port}/push`,
    },
  ];
}

/** The certificate and key that a client connects with, both PEM. */
export function certificateOf(client) {
  const [cert, key] = ['crt', 'key'].map((kind) => readFileSync(join(EXAMPLES, `${CERTIFICATES[client]}.${kind}`)));
  return { cert, key };
}

/** What `main` left: the port that is the clients' own, and their keys by name. */
export async function secured(directory) {
  const { port, keys } = JSON.parse(readFileSync(join(directory, KEYS_FILE), 'utf8'));
  const algorithms = { ES256: 'ES256', PS256: 'PS256', sealed: 'ECDH-ES', idp: 'ES256' };
  const imported = Object.entries(keys).map(async ([name, jwk]) => [name, await importJWK(jwk, algorithms[name])]);
  return { port, keys: Object.fromEntries(await Promise.all(imported)) };
}

if (process.argv[1] === import.meta.filename) {
  await main(process.argv[2]);
}
