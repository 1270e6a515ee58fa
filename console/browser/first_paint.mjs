/**
 * How long a browser that has nothing cached takes to show the lane groups, and its CPU time for it:
 * `node first_paint.mjs CHROMIUM LINK`. `LINK` signs in. In milliseconds, the median of five.
 */
import { open } from './browser.mjs';

const [program, link] = process.argv.slice(2);
const TIMES = 5;

const { browser, page } = await open(program);
try {
  await page.goto(link);
  await page.getByRole('table').waitFor();
  const token = await page.evaluate(() => sessionStorage.getItem('laneway.token'));
  const found = [];
  for (let time = 0; time < TIMES; time += 1) found.push(await visit(token));
  const median = (part) => found.map((each) => each[part]).sort((a, b) => a - b)[(TIMES - 1) / 2];
  console.log(JSON.stringify({ shown: median('shown'), cpu: median('cpu'), bytes: found[0].bytes }));
} finally {
  await browser.close();
}

/** In a context of its own, so that nothing is cached. */
async function visit(token) {
  const context = await browser.newContext();
  await context.addInitScript((text) => sessionStorage.setItem('laneway.token', text), token);
  const fresh = await context.newPage();
  const session = await context.newCDPSession(fresh);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  await fresh.goto(link.replace(/#.*/, '#/'));
  const shown = await fresh.evaluate(
    () =>
      new Promise((resolve) => {
        const look = () => {
          if (document.querySelector('table a')) resolve(Math.round(performance.now()));
          else requestAnimationFrame(look);
        };
        look();
      }),
  );
  const { metrics } = await session.send('Performance.getMetrics');
  const cpu = Math.round(1000 * metrics.find(({ name }) => name === 'TaskDuration').value);
  const bytes = await fresh.evaluate(() =>
    performance.getEntriesByType('resource').reduce((sum, each) => sum + each.encodedBodySize, 0),
  );
  await context.close();
  return { shown, cpu, bytes };
}
