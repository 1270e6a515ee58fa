/**
 * The article's second and third steps by mouse and keyboard, in English or Chinese:
 * `node article.mjs CHROMIUM LINK SCENARIO LANGUAGE VIEWER_TOKEN [SCREENSHOTS]`. Prints what it saw as JSON.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

import { choose, open, transfer } from './browser.mjs';
import { titles, walkPages } from './pages.mjs';
import { viewersWalk } from './viewer.mjs';

const [program, link, scenario, language, viewer, screenshots] = process.argv.slice(2);
const WORDS = {
  en: {
    createGroup: /Create (the first )?lane group/,
    groupName: 'Lane group name',
    gateway: 'Ingress gateway',
    permissive: 'Permissive',
    trace: 'Trace header, passed on along the call chain',
    same: 'Use the trace header as the route header, too',
    route: 'Route header, which names the lane',
    ok: 'OK',
    createLane: 'Create lane',
    laneName: 'Lane name',
    labelName: 'Label name',
    labelValue: 'Label value',
    rules: 'Ingress rules',
    addRule: 'Add ingress rule',
    uri: 'URI of the request: Value',
    ready: 'Ready',
    signOut: 'Sign out',
    fallback: 's2, mockb(default): falls back to s1, which has 1/1 ready',
  },
  'zh-CN': {
    createGroup: /创建(第一个)?泳道组/,
    groupName: '泳道组名称',
    gateway: '入口网关',
    permissive: '宽松模式',
    trace: '链路透传请求头',
    same: '将链路透传请求头同时用作引流',
    route: '引流请求头',
    ok: /^确\s?定$/,
    createLane: '创建泳道',
    laneName: '泳道名称',
    labelName: '标签名称',
    labelValue: '标签值',
    rules: '引流规则',
    addRule: '添加引流规则',
    uri: '匹配请求的 URI: 匹配内容',
    ready: '就绪',
    signOut: '退出登录',
    fallback: 's2，mockb(default)：回退到 s1，1/1 就绪',
  },
};
const words = WORDS[language];
const LANES = { s1: ['mocka', 'mockb', 'mockc'], s2: ['mocka', 'mockc'], s3: ['mockb'] };
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const { browser, page, errors, requests } = await open(program, { locale: language });
const faults = [];
try {
  await page.goto(link);
  await page.getByRole('link', { name: words.createGroup }).waitFor();
  await look('no groups');
  await page.getByRole('link', { name: words.createGroup }).click();
  await look('group form');
  const refused = await refusedName();
  await createGroup();
  for (const [number, name] of Object.keys(LANES).entries()) await createLane(name, number);
  for (const name of Object.keys(LANES)) await addRule(name);
  await page.getByRole('gridcell', { name: words.fallback }).waitFor();
  await page.locator('h1').getByText(words.ready, { exact: true }).waitFor();
  await look('lane map');
  const keyboard = await walkMap();
  const pages = language === 'en' ? await walkPages(page, link, look) : await titles(page, link, look);
  const viewed = language === 'en' ? null : await viewersWalk(browser, link, viewer);
  const stored = await page.evaluate(() => ({
    cookies: document.cookie,
    local: Object.keys(localStorage),
    fragment: location.hash,
  }));
  await page.locator('.brand').click();
  await page.getByRole('link', { name: 'test' }).waitFor();
  await look('groups');
  const token = await page.evaluate(() => sessionStorage.getItem('laneway.token'));
  await page.getByRole('button', { name: words.signOut }).click();
  await page.locator('input[type=password]').waitFor();
  await look('sign in');
  const revoked = await page.evaluate(async (text) => {
    const headers = { Authorization: `Bearer ${text}` };
    return (await fetch('/apis/api.laneway.dev/v1alpha1/identity', { headers })).status;
  }, token);
  const strangers = requests.filter((url) => new URL(url).origin !== new URL(link).origin);
  console.log(JSON.stringify({ errors, faults, strangers, refused, keyboard, pages, viewed, stored, revoked }));
} catch (error) {
  if (screenshots) await page.screenshot({ path: `${screenshots}/failed.png` });
  console.error(await page.locator('body').innerText());
  throw error;
} finally {
  await browser.close();
}

function text(name) {
  return page.getByRole('textbox', { name });
}

/** What stands beside a name that the API refuses. */
async function refusedName() {
  await text(words.groupName).fill('No Name');
  const told = page.getByRole('alert').filter({ hasText: 'legal name' });
  await told.waitFor();
  return (await told.innerText()).split('\n').filter((line) => line !== '');
}

async function createGroup() {
  await text(words.groupName).fill('test');
  await choose(page, words.gateway, 'ingressgateway(istio-system)');
  await page.getByRole('radio', { name: words.permissive }).check();
  await text(words.trace).fill('my-request-id');
  if (scenario === '2') await page.getByRole('checkbox', { name: words.same }).check();
  else await text(words.route).fill('x-asm-prefer-tag');
  await transfer(page, ['mocka(default)', 'mockb(default)', 'mockc(default)']);
  await page.getByRole('button', { name: words.ok }).click();
  await page.locator('h1').getByText('test', { exact: true }).waitFor();
}

async function createLane(name, number) {
  await page.getByRole('link', { name: words.createLane }).click();
  await text(words.laneName).fill(name);
  const labelName = page.getByLabel(words.labelName);
  await labelName.fill('ASM_TRAFFIC_TAG');
  await labelName.press('Escape');
  const labelValue = page.getByLabel(words.labelValue);
  await labelValue.fill(`v${number + 1}`);
  await labelValue.press('Escape');
  // The first lane of a group is offered with all services, as it becomes the baseline.
  if (number > 0) await transfer(page, LANES[name].map((service) => `${service}(default)`));
  if (number === 1) await look('lane form');
  await page.getByRole('button', { name: words.ok }).click();
  await page.getByRole('rowheader', { name }).waitFor();
}

async function addRule(name) {
  const row = page.locator('.objects tr').filter({ has: page.getByText(name, { exact: true }) });
  // By key: what arrived just before a press may still move the row.
  await row.getByRole('link', { name: words.rules }).press('Enter');
  await page.getByRole('button', { name: words.addRule }).click();
  await text(words.uri).fill('/mock');
  if (name === 's1') await look('rules');
  await page.getByRole('button', { name: words.ok }).click();
  await page.getByRole('rowheader', { name }).waitFor();
}

/** The names of the cells that the arrow keys lead to, from the first to the last. */
async function walkMap() {
  const names = [];
  await page.locator('[data-cell="0,0"]').focus();
  for (const key of ['', 'ArrowRight', 'ArrowDown', 'End', 'ArrowDown', 'ArrowDown']) {
    if (key) await page.keyboard.press(key);
    names.push(await page.evaluate(() => document.activeElement.getAttribute('aria-label')));
  }
  return names;
}

/** Runs axe on the page in these themes; takes pictures of it where they are asked for. */
async function look(name, themes = ['dark', 'light']) {
  for (const colorScheme of themes) {
    await page.emulateMedia({ colorScheme });
    await page.locator(`[data-theme=${colorScheme}]`).waitFor();
    await check(`${colorScheme} ${name}`);
    if (screenshots) {
      const path = `${screenshots}/${language}-${colorScheme}-${name.replace(' ', '-')}.png`;
      await page.screenshot({ path, fullPage: true });
    }
  }
}

async function check(name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }),
  );
  for (const { id, impact, nodes } of violations) {
    if (impact === 'serious' || impact === 'critical') {
      faults.push(`${name}: ${id}: ${nodes.map(({ html, any }) => `${html.slice(0, 120)} ${any[0]?.message}`).join(' | ')}`);
    }
  }
}
