/**
 * The console of an operator, in a cluster whose API server knows three tokens:
 * `node cluster.mjs CHROMIUM ADDRESS TOKEN VIEWER_TOKEN STRANGERS_TOKEN`. Prints what it saw as JSON.
 */
import { open } from './browser.mjs';

const [program, address, token, viewer, stranger] = process.argv.slice(2);

const { browser, context, page, errors, requests } = await open(program);
const refused = [];
page.on('response', (answer) => {
  // A form is tried while one types. By the time of the answer it may have been saved.
  if (answer.status() === 409 && answer.url().includes('dryRun=All')) return;
  if (answer.status() >= 400) refused.push(`${answer.status()} ${new URL(answer.url()).pathname}`);
});

const at = (fragment) => page.goto(`${address}#/${fragment}`);
const button = (name) => page.getByRole('button', { name, exact: true });
const menu = () => page.locator('header nav a').allInnerTexts();
const offered = async (names) => {
  const counts = [];
  for (const name of names) counts.push(await page.getByText(name, { exact: true }).count());
  return counts;
};

async function signIn(text) {
  await page.getByRole('textbox', { name: 'Token' }).fill(text);
  await button('Sign in').click();
}

async function confirm(name) {
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name, exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
}

try {
  // The page says which token to paste, in both languages; one that the cluster rejects is told.
  await page.goto(address);
  const hint = await page.locator('.sign-in').innerText();
  const chinese = await browser.newContext({ locale: 'zh-CN' });
  const other = await chinese.newPage();
  await other.goto(address);
  const zhHint = await other.locator('.sign-in').innerText();
  await chinese.close();
  await signIn('nobodys');
  await page.getByText('This is no valid token').waitFor();
  const wrong = refused.splice(0);

  // Groups, the map, and an edit.
  await signIn(token);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Findings' }).waitFor();
  const places = await menu();
  await page.getByRole('link', { name: 'shop', exact: true }).click();
  await page.getByRole('rowheader', { name: 's1' }).waitFor();
  const rows = await page.getByRole('rowheader').allInnerTexts();
  const lane = page.getByRole('row').filter({ hasText: 'version=s1' });
  await lane.getByRole('link', { name: 'Edit', exact: true }).click();
  await page.getByRole('textbox', { name: 'Owner' }).fill('team-a');
  const matching = await page.locator('.matching').count();
  await button('OK').click();
  await page.getByText('team-a').waitFor();

  // Changes that are previewed: by the lane, by the group, and by several lanes together.
  await lane.getByRole('switch').click();
  await page.getByRole('dialog').getByText('x-lane: s1').first().waitFor();
  await confirm('Disable');
  await lane.getByText('Disabled', { exact: true }).waitFor();
  await lane.getByRole('switch').click();
  await confirm('Enable');
  await lane.getByText('Disabled', { exact: true }).waitFor({ state: 'hidden' });
  await lane.getByRole('button', { name: 'Promote' }).click();
  await confirm('Promote');
  await lane.getByRole('button', { name: 'Promote' }).waitFor({ state: 'hidden' });
  await at('groups/shop/weights');
  await page.getByRole('slider').last().focus();
  for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowRight');
  await button('Preview').click();
  await page.getByText('one after another').waitFor();
  await page.getByText('No request changes its path at the first service').waitFor();
  await confirm('OK');
  await page.getByRole('rowheader', { name: 's1' }).waitFor();

  // What the operator answers, and what a cluster does not have.
  await at('findings');
  await page.locator('h1').getByText('Findings').waitFor();
  await button('Analyze again').or(page.getByRole('button', { name: /again/i })).first().waitFor();
  await at('generated');
  await page.getByText('VirtualService').first().waitFor();
  const dialects = await page.locator('.ant-segmented-item').allInnerTexts();
  await at('try');
  await page.getByText('the path is only predicted').waitFor();
  await page.getByRole('textbox', { name: 'Host' }).fill('shop.example.com');
  await button('Predict').click();
  await page.getByRole('heading', { name: 'Path', exact: true }).waitFor();
  const sends = await offered(['Send']);
  const missing = [];
  for (const each of ['history', 'revisions/1', 'proxies', 'tap', 'traffic/shop']) {
    await at(each.replace('revisions', 'history'));
    await page.getByText('This page is not available here').waitFor();
    missing.push(await page.locator('.ant-result-subtitle').innerText());
  }
  const ofAdmin = refused.splice(0);

  // A viewer is offered nothing that fails.
  await button('Sign out').click();
  const cookies = await context.cookies();
  await signIn(viewer);
  await page.getByText('Live', { exact: true }).waitFor();
  await at('');
  await page.getByRole('link', { name: 'shop', exact: true }).waitFor();
  await page.waitForTimeout(500);
  const viewerPlaces = await menu();
  const buttons = ['Create lane group', 'Create lane', 'Edit', 'Delete', 'Promote', 'Make it the baseline'];
  const viewerOffered = await offered(buttons);
  await at('groups/shop');
  await page.getByRole('rowheader', { name: 's1' }).waitFor();
  viewerOffered.push(...(await offered(buttons)), await page.getByRole('switch').count());
  for (const each of ['edit', 'weights', 'lanes/s1', 'lanes/s1/rules']) {
    await at(`groups/shop/${each}`);
    await page.getByText('You may look at everything here').waitFor();
    const open = 'form button:enabled:not(:has-text("Back")):not(.ant-select *)';
    viewerOffered.push(await page.locator(open).count());
  }
  await at('findings');
  await page.getByText('This page is not available here').waitFor();
  const ofViewer = refused.splice(0);

  // Who may not even look learns what is lacking, and sees nothing that looks like an empty cluster.
  await button('Sign out').click();
  await signIn(stranger);
  await page.getByText('The server does not show you its objects').waitFor();
  const lacking = await page.locator('main').innerText();
  const strangers = requests.filter((url) => !url.startsWith(new URL(address).origin));
  console.log(
    JSON.stringify({
      errors,
      hint,
      zhHint,
      wrong,
      places,
      rows,
      matching,
      dialects,
      sends,
      missing,
      ofAdmin,
      viewerPlaces,
      viewerOffered,
      ofViewer,
      lacking,
      cookies,
      strangers,
    }),
  );
} catch (error) {
  console.error(await page.locator('body').innerText(), refused, errors);
  throw error;
} finally {
  await browser.close();
}
process.exit(0);
