/**
 * Pictures of pages in both languages and both themes, and of each on a narrow screen:
 * `node screenshots.mjs CHROMIUM LINK FOLDER [NAME...]`. `LINK` signs in; names leave others out.
 */
import { ask, LANES, open } from './browser.mjs';

const [program, link, folder, ...only] = process.argv.slice(2);
const EVENTS = '**/events?*';
/** By name: the fragment, what there is to do first, and how it is undone. */
const PAGES = {
  groups: { at: '#/' },
  group: {
    at: '#/groups/test',
    act: (page) => page.locator('.map .rates').first().waitFor(),
  },
  'group-form': { at: '#/groups/test/edit' },
  'lane-form': { at: '#/groups/test/lanes/s2' },
  rules: { at: '#/groups/test/lanes/s2/rules' },
  promote: {
    at: '#/groups/test',
    act: (page) => page.getByRole('button', { name: /^(Promote|转为基线)$/ }).first().click(),
  },
  delete: {
    at: '#/groups/test',
    act: async (page) => {
      await page.getByRole('button', { name: /^(Delete|删除): s3$/ }).click();
      await page.locator('.changed-paths').waitFor();
    },
  },
  missing: { at: '#/groups/nothing' },
  weights: { at: '#/groups/test/weights' },
  tap: { at: '#/tap', act: (page) => page.getByRole('row').nth(3).waitFor() },
  traffic: { at: '#/traffic' },
  try: {
    at: '#/try?path=/mock&lane=test/s3&count=20',
    act: async (page) => {
      await page.getByRole('button', { name: /^(Send|发\s?送)$/ }).click();
      await page.locator('.answers').waitFor();
    },
  },
  findings: {
    at: '#/findings',
    act: async (page) => {
      const value = { name: 'r2', uri: { regex: '/mock' }, destination: { service: 'mocka' } };
      await patch(page, { op: 'add', path: '/spec/ingress/-', value });
      await page.getByText('SHADOWED_RULE').waitFor();
    },
    undo: (page) => patch(page, { op: 'remove', path: '/spec/ingress/1' }),
  },
  'no-findings': { at: '#/findings', act: (page) => page.locator('.ant-empty').waitFor() },
  troubles: {
    at: '#/groups/test',
    act: async (page) => {
      const spec = { group: 'test', selector: { ASM_TRAFFIC_TAG: 'v9' }, services: ['mockb'] };
      const metadata = { name: 's9' };
      await ask(page, 'POST', LANES, { apiVersion: 'laneway.dev/v1alpha1', kind: 'Lane', metadata, spec });
      await page.locator('summary').getByText(/ready|就绪/).click();
    },
    undo: (page) => ask(page, 'DELETE', `${LANES}/s9`),
  },
  refused: {
    at: '#/new-group',
    act: async (page) => {
      await page.getByRole('textbox').first().fill('No Name');
      await page.getByRole('alert').first().waitFor();
    },
    undo: (page) => page.getByRole('button', { name: /^(Cancel|取\s?消)$/ }).click(),
  },
  lost: {
    at: '#/groups/test',
    act: async (page) => {
      await page.route(EVENTS, (route) => route.abort());
      await page.reload();
      await page.locator('.lost .ant-alert').waitFor();
    },
    undo: (page) => page.unroute(EVENTS),
  },
  generated: { at: '#/generated' },
  'generated-diff': {
    at: '#/generated',
    act: async (page) => {
      await page.getByRole('spinbutton').fill('1');
      await page.locator('.diff .new').first().waitFor();
    },
  },
  proxies: { at: '#/proxies' },
  history: { at: '#/history' },
  revision: {
    at: '#/history',
    act: async (page) => {
      await page.locator('.objects a').first().click();
      await page.locator('.diff').first().waitFor();
    },
  },
  'sign-in': {
    at: '#/',
    act: async (page) => {
      await page.evaluate(() => sessionStorage.clear());
      await page.reload();
    },
  },
};
const LANGUAGES = ['en', 'zh-CN'];
const SETTLED = 700;
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 420, height: 900 };

/** Of lane s3. */
function patch(page, step) {
  return ask(page, 'PATCH', `${LANES}/s3`, [step], 'application/json-patch+json');
}

const { browser, page, errors } = await open(program);
try {
  await page.goto(link);
  await page.getByText('Live', { exact: true }).waitFor();
  const token = await page.evaluate(() => sessionStorage.getItem('laneway.token'));
  for (const [name, { at, act, undo }] of Object.entries(PAGES)) {
    if (only.length > 0 && !only.includes(name)) continue;
    for (const language of LANGUAGES) {
      await page.setViewportSize(WIDE);
      await page.evaluate((value) => localStorage.setItem('laneway.language', value), language);
      await page.evaluate((text) => sessionStorage.setItem('laneway.token', text), token);
      await page.goto(link.replace(/#.*/, at));
      await page.reload();
      await page.locator('main h1').waitFor();
      if (act) await act(page);
      const picture = async (look) => {
        await page.waitForTimeout(SETTLED);
        await page.screenshot({ path: `${folder}/${name}-${language}-${look}.png`, fullPage: true });
      };
      for (const colorScheme of ['dark', 'light']) {
        await page.emulateMedia({ colorScheme });
        await picture(colorScheme);
      }
      await page.setViewportSize(NARROW);
      await picture('narrow');
      if (undo) await undo(page);
    }
  }
  if (errors.length > 0) throw new Error(errors.join('\n'));
} finally {
  await browser.close();
}
