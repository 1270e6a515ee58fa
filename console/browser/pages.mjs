/**
 * What the walk does on the pages beyond the article's own, in English; all of it is taken back. To
 * save time, most pages are looked at in one theme: both have the same parts.
 */

import { ask, choose, LANES } from './browser.mjs';

export async function walkPages(page, link, look) {
  const to = (fragment) => page.goto(link.replace(/#.*/, fragment));
  await to('#/groups/test');
  const disabled = await disableAndEnable(page, look);
  const weights = await weigh(page, to, look);
  const rolledBack = await rollBack(page, to, look);
  const generated = await lookAtGenerated(page, to, look);
  const tried = await tryIt(page, to, look);
  const watched = await watch(page, to, look);
  const traffic = await lookAtTraffic(page, to, look);
  const lost = await loseLane(page, to, look);
  const fixed = await fix(page, to, look);
  return { lost, tried, watched, fixed, traffic, disabled, weights, rolledBack, ...generated, proxies: await lookAtProxies(page, to, look) };
}

/** The titles of these pages, with all that axe finds; what they do is tried in English. */
export async function titles(page, link, look) {
  const found = {};
  for (const place of ['traffic', 'tap', 'try', 'findings', 'generated', 'proxies', 'history']) {
    await page.goto(link.replace(/#.*/, `#/${place}`));
    await page.locator('main h1').waitFor();
    await page.locator('.ant-skeleton').waitFor({ state: 'detached' });
    await look(place, ['light']);
    found[place] = [await page.locator('main h1').innerText(), await page.title()];
  }
  return found;
}

/** Whether the dialog said which requests change; the lane is enabled again. */
async function disableAndEnable(page, look) {
  const dialog = page.getByRole('dialog');
  const toggle = page.getByRole('switch', { name: 's3: Enabled' });
  await toggle.click();
  await dialog.getByText('x-asm-prefer-tag: s3').or(dialog.getByText('my-request-id: s3')).waitFor();
  await look('preview', ['light']);
  await dialog.getByRole('button', { name: 'Disable' }).click();
  await page.getByRole('rowheader', { name: 's3 Disabled' }).waitFor();
  await toggle.click();
  await dialog.getByText('changes its path').waitFor();
  const told = await dialog.locator('dl').first().innerText();
  await dialog.getByRole('button', { name: 'Enable', exact: true }).click();
  await page.getByRole('rowheader', { name: 's3', exact: true }).waitFor();
  return told;
}

/** The texts, as soon as they are those expected: objects come to the page one after another. */
async function settled(locator, expected) {
  for (let tries = 0; tries < 50; tries += 1) {
    const texts = await locator.allInnerTexts();
    if (texts.join() === expected.join()) return texts;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return locator.allInnerTexts();
}

/** The shares after two sliders were moved by keys, written and taken back. */
async function weigh(page, to, look) {
  await to('#/groups/test/weights');
  const move = async (lane, keys) => {
    const slider = page.getByRole('slider', { name: lane, exact: true });
    for (const key of keys) await slider.press(key);
  };
  const write = async () => {
    await page.getByRole('button', { name: 'Preview' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'OK' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('rowheader', { name: 's3' }).waitFor();
    await to('#/groups/test/weights');
  };
  await move('s2', ['End']);
  await move('s3', ['ArrowRight', 'ArrowRight']);
  await look('weights', ['dark']);
  const shares = await page.locator('.weights .percent').allInnerTexts();
  await write();
  const written = await settled(page.locator('.weights .percent'), shares);
  await move('s2', ['Home']);
  await move('s3', ['Home']);
  await write();
  return { shares, written };
}

/** The last change but one, and how it is undone: the weights are 0 again as they were before. */
async function rollBack(page, to, look) {
  await to('#/history');
  await page.getByRole('table').waitFor();
  const numbers = await page.getByRole('table').getByRole('link').allInnerTexts();
  await look('history', ['light']);
  await to(`#/history/${numbers[0]}`);
  await page.getByText('spec.weight').first().waitFor();
  await look('revision');
  const diff = await page.locator('.diff pre').first().innerText();
  await to(`#/history/${numbers[1]}`);
  await page.getByRole('button', { name: 'Roll back' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('changes its path').or(dialog.getByText('change their path')).waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  return diff.split('\n').map((line) => line.trim()).filter((line) => line !== '');
}

/** What is told of a lane whose only workload does not pass its header on, in both languages. */
async function loseLane(page, to, look) {
  const uri = { exact: '/mock' };
  await ask(page, 'POST', LANES, {
    apiVersion: 'laneway.dev/v1alpha1',
    kind: 'Lane',
    metadata: { name: 's9' },
    spec: {
      group: 'test',
      selector: { ASM_TRAFFIC_TAG: 'v9' },
      services: ['mockb'],
      ingress: [{ name: 'r1', uri, destination: { service: 'mocka' } }],
    },
  });
  await to('#/groups/test');
  await page.getByRole('row').filter({ hasText: 'v9' }).getByText('Ready', { exact: true }).waitFor();
  await to('#/try?path=/mock&lane=test/s9&count=20');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.locator('.answers').waitFor();
  await to('#/traffic');
  const told = page.locator('.ant-alert-error');
  await told.getByText('20 of 20 calls').waitFor();
  await look('lost calls', ['light']);
  const english = await told.innerText();
  await choose(page, 'Language', '中文');
  await told.getByText('泳道 s9').waitFor();
  const chinese = await told.innerText();
  await choose(page, '语言', 'English');
  await ask(page, 'DELETE', `${LANES}/s9`);
  return [english, chinese].map((text) => text.split('\n').filter((line) => line.trim() !== ''));
}

/** How many findings are left once a rule that takes no request is removed by its button. */
async function fix(page, to, look) {
  const value = { name: 'r2', uri: { regex: '/mock' }, destination: { service: 'mocka' } };
  const patch = [{ op: 'add', path: '/spec/ingress/-', value }];
  await ask(page, 'PATCH', `${LANES}/s3`, patch, 'application/json-patch+json');
  await to('#/findings');
  await page.getByText('SHADOWED_RULE').waitFor();
  await look('findings', ['dark']);
  await page.getByRole('button', { name: 'Apply the fix' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('No request').first().waitFor();
  await dialog.getByRole('button', { name: 'Apply the fix' }).click();
  await page.getByText('SHADOWED_RULE').waitFor({ state: 'detached' });
  return page.locator('.findings li').count();
}

async function lookAtGenerated(page, to, look) {
  await to('#/generated');
  await page.getByText('Istio', { exact: true }).click();
  await page.getByRole('button', { name: /EnvoyFilter/ }).first().waitFor();
  const started = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download all' }).click();
  const download = (await started).suggestedFilename();
  await page.getByLabel('Compare with revision').fill('1');
  await page.getByText('Only what differs').waitFor();
  await page.locator('.diff .new').first().waitFor();
  await look('generated', ['light']);
  return { download, compared: await page.locator('.documents nav').innerText() };
}

async function lookAtProxies(page, to, look) {
  await to('#/proxies');
  await page.getByRole('table').waitFor();
  await look('proxies', ['dark']);
  return page.getByText('in sync', { exact: false }).first().innerText();
}

/** The path of requests that are sent, beside the predicted one. A link alone sends nothing. */
async function tryIt(page, to, look) {
  await to('#/groups/test');
  await page.getByRole('row').filter({ hasText: 's3' }).getByText('Try it').click();
  await page.getByRole('button', { name: 'Send', exact: true }).waitFor();
  const before = await page.locator('.answers').count();
  await page.getByLabel('Number of requests').fill('20');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.locator('.answers').waitFor();
  await look('try');
  const lines = async (css) => (await page.locator(css).allInnerTexts()).map((each) => each.trim());
  return {
    before,
    hops: await lines('.hops h3'),
    counted: await lines('.hops .counted'),
    answers: await lines('.answers li'),
    link: new URL(page.url()).hash,
  };
}

/** The requests that were tried before: who answered those of lane s3 by a version of its own. */
async function watch(page, to, look) {
  await to('#/tap');
  const rows = page.getByRole('table').getByRole('row');
  await rows.filter({ hasText: 'mockc(default)' }).first().waitFor();
  await choose(page, 'Lane', 's3');
  await rows.filter({ hasText: 'mockc(default)' }).first().waitFor({ state: 'detached' });
  await rows.filter({ hasText: 'mockb(default)' }).first().waitFor();
  await look('tap', ['light']);
  return [...new Set((await rows.locator('td:nth-child(n+2):nth-child(-n+6)').allInnerTexts()))];
}

/** The traffic that was tried before, then the lane map as a list. */
async function lookAtTraffic(page, to, look) {
  await to('#/traffic');
  const row = page.getByRole('row').filter({ hasText: 'mockb(default)' }).filter({ hasText: 's3' });
  await row.getByText('s3 100%').waitFor();
  await look('traffic', ['dark']);
  await to('#/groups/test');
  await page.setViewportSize({ width: 420, height: 900 });
  await page.locator('.map-list').first().waitFor();
  await look('narrow map', ['light']);
  const list = await page.locator('.map-list').allInnerTexts();
  await page.setViewportSize({ width: 1280, height: 900 });
  return list.map((each) => each.split('\n').map((line) => line.trim()).filter(Boolean));
}
