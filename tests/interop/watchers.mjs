// Two applications that watch the login at examples/provider through its `check_session_iframe`.
//
// `node watchers.mjs clients.json ORIGIN ORIGIN` writes their registration.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

export const IDS = ['watcher-a', 'watcher-b'];

function main(file, origins) {
  const clients = origins.map((origin, at) => ({
    client_id: IDS[at],
    client_name: `Watcher ${at}`,
    redirect_uris: [`${origin}/cb`],
    post_logout_redirect_uris: [`${origin}/out`],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    scope: 'openid',
    ...(origin.startsWith('https:') && { frontchannel_logout_uri: `${origin}/front?tenant=1` }),
  }));
  writeFileSync(file, JSON.stringify(clients, null, 2));
}

/** One application. It serves `/cb`, a page that holds the frame, and notes what its `/front` is asked. */
export class Watcher {
  constructor({ id, origin, issuer, tls }) {
    Object.assign(this, { id, origin, issuer, tls, fronts: [] });
    const answer = (request, response) => this.#answer(new URL(request.url, origin), response);
    this.server = tls ? https.createServer(tls, answer) : http.createServer(answer);
  }

  listen() {
    return new Promise((resolve) => this.server.listen(Number(new URL(this.origin).port), '127.0.0.1', resolve));
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** Where a person is sent to sign in; `extra` are more parameters. */
  authorizationUrl(extra = {}) {
    this.verifier = randomBytes(32).toString('base64url');
    this.state = randomBytes(16).toString('base64url');
    return `${this.issuer}/authorize?${new URLSearchParams({
      client_id: this.id,
      redirect_uri: `${this.origin}/cb`,
      response_type: 'code',
      scope: 'openid',
      state: this.state,
      code_challenge: createHash('sha256').update(this.verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...extra,
    })}`;
  }

  /** The claims of the ID token that a code gives, and the token itself. */
  async redeem(code) {
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: `${this.origin}/cb`,
      client_id: this.id,
      code_verifier: this.verifier,
    });
    const { id_token } = await this.#post(`${this.issuer}/token`, body.toString());
    return { id_token, claims: JSON.parse(Buffer.from(id_token.split('.')[1], 'base64url')) };
  }

  #post(url, body) {
    const { request } = url.startsWith('https:') ? https : http;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return new Promise((resolve, reject) => {
      const sent = request(url, { method: 'POST', headers, ca: this.tls?.cert }, (response) => {
        let text = '';
        response.on('data', (part) => (text += part));
        response.on('end', () => (response.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(text))));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  #answer(url, response) {
    if (url.pathname === '/front') this.fronts.push(url.searchParams);
    const op = `<iframe id="op" src="${this.issuer}/check-session"></iframe>`;
    const frames = url.pathname === '/cb' ? `${op}<iframe id="rp" src="/rp"></iframe>` : '';
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(`<!DOCTYPE html><title>${this.id}</title><h1>${url.pathname}</h1>${frames}`);
  }
}

/** Asks the provider's frame in `page`, and gives its answer, or `silence`. */
export async function ask(page, message) {
  return page.evaluate(talk, message);
}

/** As `ask`, by the frame beside the provider's whose address holds `from`. */
export async function askBeside(page, from, message) {
  const frame = page.frames().find((frame) => frame.url().includes(from));
  assert.ok(frame, from);
  return frame.evaluate(talk, message);
}

function talk(message) {
  const frame = window.parent.frames[0];
  return new Promise((resolve) => {
    addEventListener('message', (event) => event.source === frame && resolve(event.data), { once: true });
    setTimeout(() => resolve('silence'), 2000);
    frame.postMessage(message, '*');
  });
}

if (process.argv[1] === import.meta.filename) {
  main(process.argv[2], process.argv.slice(3));
}
