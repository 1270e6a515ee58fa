/**
 * Pictures of pages in both languages and both themes, and of each on a narrow screen:
 * `node screenshots.mjs CHROMIUM LINK FOLDER [NAME...]`. `LINK` signs in; names leave others out.
 */
import { open } from './browser.mjs';

const [program, link, folder, ...only] = process.argv.slice(2);
/** By name: the fragment, and what there is to do first. */
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
  findings: { at: '#/findings' },
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

const { browser, page, errors } = await open(program);
try {
  await page.goto(link);
  await page.getByText('Live', { exact: true }).waitFor();
  const token = await page.evaluate(() => sessionStorage.getItem('laneway.token'));
  for (const [name, { at, act }] of Object.entries(PAGES)) {
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
    }
  }
  if (errors.length > 0) throw new Error(errors.join('\n'));
} finally {
  await browser.close();
}
