/** A browser for the walks: Chromium, with whatever goes wrong in a page kept as an error. */
import { chromium } from 'playwright-core';

export const PATIENCE = 60_000;

/** `errors` collects exceptions, console errors and reports of the content security policy. */
export async function open(program, options = {}) {
  const browser = await chromium.launch({
    executablePath: program,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    locale: 'en-US',
    ...options,
  });
  const errors = [];
  const requests = [];
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    // A refusal that a form shows is no fault, but Chromium logs each as an error.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      errors.push(message.text());
    }
  });
  page.on('request', (request) => requests.push(request.url()));
  return { browser, context, page, errors, requests };
}

/** Puts services of a transfer list onto its right side. */
export async function transfer(page, names) {
  for (const name of names) {
    await page.locator('.transfer').getByRole('checkbox', { name, exact: true }).check();
  }
  await page.locator('.transfer .moves button:enabled').first().click();
}

export async function choose(page, label, option) {
  await page.getByLabel(label, { exact: true }).click();
  await page.locator('.ant-select-dropdown:visible').getByText(option, { exact: true }).click();
}

export const LANES = '/apis/laneway.dev/v1alpha1/lanes';

/** Asks the API as the page does. */
export async function ask(page, method, path, body, type = 'application/json') {
  await page.evaluate(
    async ([path, options, type]) => {
      const Authorization = `Bearer ${sessionStorage.getItem('laneway.token')}`;
      const answer = await fetch(path, { ...options, headers: { Authorization, 'Content-Type': type } });
      if (!answer.ok) throw new Error(await answer.text());
    },
    [path, { method, body: JSON.stringify(body) }, type],
  );
}
