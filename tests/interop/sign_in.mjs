// A browser of a few lines: it keeps cookies, follows redirects within the provider and presses the buttons of
// its login and consent pages, until the answer leaves for the client.

/**
 * Signs alice in at `authorizationUrl` and agrees. Returns what the client at `redirectUri` would get: a `URL`, or,
 * for form_post, a `Request`. With the `cookies` of an earlier visit it is the same browser.
 */
export async function signIn(authorizationUrl, redirectUri, { press = 'consent-allow', cookies = new Map() } = {}) {
  let response = await visit(authorizationUrl, { cookies });
  for (let page = 0; page < 10; page += 1) {
    const location = response.headers.get('location');
    if (location) {
      const target = new URL(location, response.url);
      if (isClient(target, redirectUri)) return target;
      response = await visit(target, { cookies });
      continue;
    }
    const html = await response.text();
    const form = html.includes('id="login-submit"')
      ? loginForm(html, response.url)
      : readForm(html, response.url, html.includes(`id="${press}"`) ? press : null);
    if (isClient(form.action, redirectUri)) {
      return new Request(form.action, { method: 'POST', body: form.fields });
    }
    response = await visit(form.action, { cookies, body: form.fields });
  }
  throw new Error('the sign-in does not end');
}

/** Signs alice in at the page for devices, types a code there, and answers by a button. Returns the last page. */
export async function answerDevice(verificationUri, userCode, { press = 'consent-allow' } = {}) {
  const cookies = new Map();
  let response = await visit(verificationUri, { cookies });
  for (let page = 0; page < 10; page += 1) {
    const location = response.headers.get('location');
    if (location) {
      response = await visit(new URL(location, response.url), { cookies });
      continue;
    }
    const html = await response.text();
    if (html.includes('id="device-answered"')) return html;
    const here = response.url;
    const form = html.includes('id="login-submit"') ? loginForm(html, here) : readForm(html, here, press);
    if (html.includes('id="device-submit"')) form.fields.set('user_code', userCode);
    response = await visit(form.action, { cookies, body: form.fields });
  }
  throw new Error('the answer does not end');
}

async function visit(url, { cookies, body }) {
  const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
  if (body) headers.origin = new URL(url).origin;
  const response = await fetch(url, { method: body ? 'POST' : 'GET', body, headers, redirect: 'manual' });
  for (const line of response.headers.getSetCookie()) {
    const [name, value] = line.split(';')[0].split(/=(.*)/s);
    cookies.set(name, value);
  }
  return response;
}

function isClient(target, redirectUri) {
  return target.origin + target.pathname === redirectUri;
}

function loginForm(html, base) {
  const form = readForm(html, base, null);
  form.fields.set('username', 'alice');
  form.fields.set('password', 'wonderland');
  return form;
}

/** The one form of a page: where it goes, its hidden fields and ticked boxes, and the button with the id `pressed`. */
function readForm(html, base, pressed) {
  const form = html.match(/<form\b[^>]*>/);
  if (!form) throw new Error(`no form in the page at ${base}:\n${html}`);
  const fields = new URLSearchParams();
  for (const [tag] of html.matchAll(/<(?:input|button)\b[^>]*>/g)) {
    const kept = attribute(tag, 'type') === 'hidden' || /\schecked\b/.test(tag);
    const wanted = kept || (pressed && attribute(tag, 'id') === pressed);
    if (wanted && attribute(tag, 'name')) fields.append(attribute(tag, 'name'), attribute(tag, 'value') ?? '');
  }
  return { action: new URL(attribute(form[0], 'action') ?? '', base), fields };
}

function attribute(tag, name) {
  const found = tag.match(new RegExp(`\\s${name}="([^"]*)"`));
  return found ? unescapeHtml(found[1]) : null;
}

function unescapeHtml(text) {
  const named = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(parseInt(decimal, 10));
    return named[name] ?? whole;
  });
}
