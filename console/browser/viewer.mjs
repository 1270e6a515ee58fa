/**
 * Somebody who may only look visits every page and presses whatever can be pressed: nothing that
 * the console offers is refused.
 */
const PLACES = ['traffic', 'tap', 'try?path=/mock&lane=test/s3', 'findings', 'generated', 'proxies'];
const OF_GROUP = ['', '/edit', '/new-lane', '/lanes/s2', '/lanes/s2/rules', '/weights'];
const PRESSABLE = 'main :is(button, label:has(input[type=checkbox], input[type=radio]))';
/** Of a list of documents, these are enough; sorting asks nobody. */
const LEFT_OUT = '.documents li:nth-child(n + 4) *, .sort';
const PATIENCE = 5_000;

/** The first one that can be pressed and was not yet: its place, -1 if there is none, and name. */
function firstOffered(buttons, { pressed, leftOut }) {
  const named = (each) => each.ariaLabel || each.textContent;
  const place = buttons.findIndex(
    (each) =>
      !each.disabled &&
      !each.querySelector('input:disabled') &&
      !each.matches(leftOut) &&
      !pressed.includes(named(each)) &&
      each.checkVisibility({ visibilityProperty: true }),
  );
  return { place, name: place < 0 ? '' : named(buttons[place]) };
}

/** What was refused, by the page and the button; and all that were pressed. */
export async function viewersWalk(browser, link, token) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  await context.grantPermissions(['clipboard-write', 'clipboard-read']);
  await context.addInitScript((text) => sessionStorage.setItem('laneway.token', text), token);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const refused = [];
  let doing = '';
  const all = [];
  page.on('response', (answer) => {
    if (answer.status() < 400) return;
    refused.push(`${doing}: ${answer.request().method()} ${answer.url()}: ${answer.status()}`);
  });
  page.on('pageerror', (error) => refused.push(`${doing}: ${error}`));

  const loaded = () => page.locator('.ant-skeleton').waitFor({ state: 'detached' });
  const to = async (fragment) => {
    doing = fragment;
    await page.goto(link.replace(/#.*/, fragment));
    await page.locator('main h1').waitFor();
    await loaded();
  };
  const visit = async (fragment) => {
    await to(fragment);
    const buttons = page.locator(PRESSABLE);
    for (const pressed = []; ; ) {
      const { place, name } = await buttons.evaluateAll(firstOffered, { pressed, leftOut: LEFT_OUT });
      if (place < 0) break;
      doing = `${fragment}, ${name}`;
      await buttons.nth(place).click();
      pressed.push(name);
      all.push(doing);
      if (await page.locator('dialog').count()) {
        refused.push(`${doing}: offers a change`);
        await page.keyboard.press('Escape');
      }
      await loaded();
      if (new URL(page.url()).hash.split('?')[0] !== fragment.split('?')[0]) await to(fragment);
    }
  };
  for (const fragment of ['#/', '#/new-group', ...OF_GROUP.map((each) => `#/groups/test${each}`)]) {
    await visit(fragment);
  }
  for (const place of PLACES) await visit(`#/${place}`);
  await visit('#/history');
  await page.locator('.objects a').first().click();
  await page.locator('.diff').first().waitFor();
  await visit(new URL(page.url()).hash);
  await context.close();
  return { refused, pressed: all };
}
