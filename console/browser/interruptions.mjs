/**
 * What happens to somebody who has the console open while things change around them:
 * `node interruptions.mjs CHROMIUM LINK`. It prints a word for each thing that shall
 * happen now, waits for a line that says that it has, and prints what it saw as JSON in the end.
 */
import { createInterface } from 'node:readline';

import { open, transfer } from './browser.mjs';

const [program, link] = process.argv.slice(2);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
/** Milliseconds in which a change that was made is shown, if nothing holds it back. */
const ARRIVED = 600;
const HOSTILE = '"><img src=x onerror="document.title=1">';

async function happens(what) {
  console.log(what);
  await answers.next();
}

/** Where something stands once it has stood there for a while: what was asked before has come. */
async function settled(locator) {
  let place = await locator.boundingBox();
  for (let still = 0; still < 10; ) {
    await page.waitForTimeout(100);
    const now = await locator.boundingBox();
    still = now.y === place.y && now.x === place.x ? still + 1 : 0;
    place = now;
  }
  return place;
}

/** The value in the form of lane s1, opened again until what was saved has come back to the page. */
async function opened(value, saved) {
  for (let times = 1; ; times++) {
    await page.getByRole('rowheader', { name: 's1' }).waitFor();
    await page.getByRole('link', { name: 'Ingress rules' }).press('Enter');
    const found = await value.inputValue();
    if (found === saved || times === 20) return found;
    await page.goBack();
    await page.waitForTimeout(200);
  }
}

/**
 * Somebody presses a link of lane s1, other lanes come or go, and the button is released: how many
 * pixels the link moved meanwhile, and where the click led.
 */
async function pressedWhile(what) {
  const link = page.getByRole('row').filter({ hasText: 'version=s1' }).getByRole('link', { name: 'Ingress rules' });
  // What loses the focus by the press tells of it, too.
  await page.locator('[data-cell="0,0"]').focus();
  const { x, y, width, height } = await settled(link);
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  await happens(what);
  await page.waitForTimeout(ARRIVED);
  const moved = (await link.boundingBox()).y - y;
  await page.mouse.up();
  const led = page.getByRole('button', { name: 'Add ingress rule' }).waitFor({ timeout: 5_000 });
  const clicked = await led.then(() => true, () => false);
  if (clicked) await page.goBack();
  const lanes = what === 'second lane' ? 2 : 1;
  await page.waitForFunction((count) => document.querySelectorAll('.map th[scope=row]').length === count, lanes);
  return { moved, clicked };
}

const { browser, page, errors } = await open(program);
const dialogs = [];
page.on('dialog', (dialog) => dialogs.push(dialog.message()));
try {
  await page.goto(link);
  await page.getByText('Live', { exact: true }).waitFor();
  const name = page.getByRole('textbox', { name: 'Lane group name' });
  await page.goto(link.replace(/#.*/, '#/new-group'));

  // What the API finds stands beside the field, before anything is written.
  await name.fill('No Name');
  await page.getByRole('alert').filter({ hasText: 'No Name' }).first().waitFor();
  await name.fill('shop');
  await page.getByRole('textbox', { name: 'Trace header' }).fill('x-lane');
  await page.getByRole('checkbox', { name: 'Use the trace header' }).check();

  // The server goes away and comes back: the page says so, and keeps what was typed.
  const ok = page.getByRole('button', { name: 'OK' });
  const place = await settled(ok);
  await happens('stop');
  await page.getByText('Connection lost').waitFor();
  const moved = (await ok.boundingBox()).y - place.y;
  await ok.click();
  await page.getByText('The server does not answer').waitFor();
  await happens('start');
  await page.getByText('Live', { exact: true }).waitFor();
  const kept = [await name.inputValue()];

  // So it does if the page is loaded again, or the token is revoked.
  await page.reload();
  kept.push(await name.inputValue());
  await happens('revoke');
  await page.getByRole('textbox', { name: 'Token' }).fill('lw_no_token');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('This is no valid token').waitFor();
  await happens('sign in');
  await page.goto((await answers.next()).value);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.goto(link.replace(/#.*/, '#/new-group'));
  kept.push(await name.inputValue());
  await transfer(page, ['mocka(default)']);
  await page.getByRole('button', { name: 'OK' }).click();
  await page.locator('h1').getByText('shop', { exact: true }).waitFor();

  // A change by somebody else shows by itself; hostile texts are texts.
  await happens('lane');
  await page.getByRole('rowheader', { name: 's1' }).waitFor();
  const pressed = [await pressedWhile('second lane'), await pressedWhile('one lane')];
  await page.getByRole('link', { name: 'Ingress rules' }).press('Enter');
  await page.getByRole('button', { name: 'Add: Headers' }).waitFor();
  const value = page.getByRole('textbox', { name: 'Headers: Value' });
  const shown = await value.inputValue();

  // Somebody else changes the lane: nothing is overwritten, both are shown, and the input stays.
  await value.fill('mine');
  await happens('other');
  await page.getByText('Somebody else changed s1').waitFor();
  const blocked = await ok.isDisabled();
  const both = await page.locator('.diff').locator('.gone, .new').allInnerTexts();
  kept.push(await value.inputValue());
  await page.getByRole('button', { name: 'Make my changes' }).click();
  await ok.click();
  kept.push(await opened(value, 'mine'));
  await value.fill('not this');
  await happens('other');
  await page.getByText('Somebody else changed s1').waitFor();
  await page.getByRole('button', { name: 'Discard my input' }).click();
  const current = await value.inputValue();

  // Somebody deletes it: the form stays, and creates it again.
  await value.fill('again');
  await happens('delete');
  await page.getByText('Somebody deleted s1').waitFor();
  await page.getByRole('button', { name: 'Create again' }).click();
  kept.push(await opened(value, 'again'));

  // Who leaves a new group without saving it comes back to the groups, and has left nothing there.
  await page.goto(link.replace(/#.*/, '#/new-group'));
  await name.fill('left');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('link', { name: 'shop' }).waitFor();
  await page.goto(link.replace(/#.*/, '#/new-group'));
  kept.push(await name.inputValue());
  const title = await page.title();
  console.log(
    JSON.stringify({ errors, dialogs, kept, shown, blocked, both, current, title, moved, pressed }),
  );
} catch (error) {
  console.error(await page.locator('body').innerText());
  throw error;
} finally {
  await browser.close();
}
process.exit(0);
