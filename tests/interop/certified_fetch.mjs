// `fetch` over connections with a certificate of the client, which Node's own cannot have.
import { request as open } from 'node:https';

/** A `fetch` whose connections present `cert`, by its `key`, both PEM. */
export function certifiedFetch({ cert, key }) {
  return (url, { method = 'GET', body, headers } = {}) =>
    new Promise((resolve, reject) => {
      const sent = body === undefined || body === null ? undefined : String(body);
      const asked = open(url, { method, cert, key, agent: false, headers: Object.fromEntries(new Headers(headers)) });
      asked.on('error', reject);
      asked.on('response', async (response) => {
        const parts = [];
        for await (const part of response) parts.push(part);
        const values = ([name, value]) => [value].flat().map((one) => [name, one]);
        const headers = Object.entries(response.headers).flatMap(values);
        resolve(new Response(Buffer.concat(parts), { status: response.statusCode, headers }));
      });
      asked.end(sent);
    });
}
