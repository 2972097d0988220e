// What must hold on every page: nothing is loaded from elsewhere, nothing fails, nothing spills over the side.
import assert from 'node:assert/strict';

/** Watches a page; `check` after each step, `end` after the last. */
export function watch(page) {
  const problems = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`script: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'data:' && !['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)) {
      problems.push(`a request left the machine: ${url}`);
    }
  });
  page.on('requestfailed', (request) => problems.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on('response', (response) => {
    if (response.status() >= 500) problems.push(`${response.url()}: ${response.status()}`);
  });
  const end = () => assert.deepEqual(problems, []);
  const check = async (title) => {
    end();
    const { content, width, unnamed } = await page.evaluate(measure);
    assert.ok(content <= width, `${title} is ${content} wide in a window of ${width}`);
    assert.deepEqual(unnamed, [], `${title} has fields without a label`);
    assert.ok(await page.title(), `${title} has no title`);
  };
  return { check, end };
}

function measure() {
  const fields = [...document.querySelectorAll('input:not([type=hidden])')];
  return {
    content: document.documentElement.scrollWidth,
    width: window.innerWidth,
    unnamed: fields.filter((field) => field.labels.length === 0).map((field) => field.name),
  };
}
