/**
 * Measures the lane map of 200 services and 100 lanes, of which 5% of the cells change each second:
 * `node large_map.mjs CHROMIUM [--only-use]`. The built console gets its objects from here instead of a server.
 * Prints frames per second while it is scrolled, the CPU time of a frame in milliseconds and what it
 * goes to, cells that are drawn, and memory. Others that use the machine slow the frames, but hardly
 * change their CPU time: below 33 ms, an idle machine draws more than 30 frames a second.
 * Then it uses the map by keys, filters and on a narrow screen; with `--only-use` that is all.
 */
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';

import { open } from './browser.mjs';

const [program, only] = process.argv.slice(2);
const measures = only !== '--only-use';
const SERVICES = Array.from({ length: 200 }, (_, index) => `service-${index}`);
const LANES = Array.from({ length: 100 }, (_, index) => `lane-${index}`);
const CHANGED_EACH_SECOND = (SERVICES.length * LANES.length) / 20;
const SECONDS = 5;
const DIST = new URL('../dist/', import.meta.url);
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const V1 = 'laneway.dev/v1alpha1';

const conditions = ['Accepted', 'Programmed', 'Ready'].map((type) => ({ type, status: 'True' }));
const group = {
  apiVersion: V1,
  kind: 'LaneGroup',
  metadata: { name: 'large' },
  spec: { mode: 'permissive', routeHeader: 'x-lane', services: SERVICES },
  status: { baseline: 'lane-0', observedGeneration: 1, conditions },
};
const lane = (name, index, version) => {
  const services = index === 0 ? SERVICES : SERVICES.filter((_, i) => (i + index) % 10 === 0);
  const counted = services.map((each) => ({ namespace: 'default', name: each, ready: version % 3, total: 2 }));
  return {
    apiVersion: V1,
    kind: 'Lane',
    metadata: { name },
    spec: { group: 'large', selector: {}, services },
    status: { observedGeneration: 1, conditions, services: counted },
  };
};

let requests = 0;
const traffic = () => {
  requests += 10;
  const lanes = LANES.flatMap((name, index) =>
    lane(name, index, 0).spec.services.map((service) => ({
      service: `default/${service}`,
      lane: name,
      servedLane: name,
      requests: requests + Math.floor(Math.random() * 10),
    })),
  );
  return { status: { lanes } };
};

const server = createServer(async (request, answer) => {
  const path = new URL(request.url, 'http://localhost').pathname;
  const json = (body) => answer.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
  if (path.endsWith('/identity')) return json({ status: { name: 'jill', scopes: ['admin'] } });
  if (path.includes('/traffic/')) return json(traffic());
  if (path.endsWith('/events')) return stream(answer);
  const name = path === '/console/' ? 'index.html' : path.replace('/console/', '');
  try {
    const data = await readFile(new URL(name, DIST));
    answer.setHeader('Content-Type', TYPES[extname(name)] ?? 'text/html').end(data);
  } catch {
    answer.writeHead(404).end();
  }
  return undefined;
});

function stream(answer) {
  answer.writeHead(200, { 'Content-Type': 'text/event-stream' });
  const tell = (type, object) => answer.write(`data: ${JSON.stringify({ type, object })}\n\n`);
  tell('ADDED', group);
  LANES.forEach((name, index) => tell('ADDED', lane(name, index, 1)));
  tell('BOOKMARK', { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } });
  let version = 1;
  // A changed lane changes all of its cells.
  const cells = SERVICES.length / 10;
  const timer = setInterval(() => {
    version += 1;
    for (let index = 0; index < CHANGED_EACH_SECOND / cells / 10; index += 1) {
      const which = (version * 7 + index) % LANES.length;
      tell('MODIFIED', lane(LANES[which], which, version));
    }
  }, 100);
  answer.on('close', () => clearInterval(timer));
}

/** Frames a second while an area is scrolled both ways. */
async function scrolled(seconds) {
  const area = document.querySelector('.map');
  const start = performance.now();
  let frames = 0;
  await new Promise((resolve) => {
    const frame = (now) => {
      frames += 1;
      area.scrollTop = (area.scrollTop + 37) % (area.scrollHeight - area.clientHeight);
      area.scrollLeft = (area.scrollLeft + 61) % (area.scrollWidth - area.clientWidth);
      if (now - start < seconds * 1000) requestAnimationFrame(frame);
      else resolve();
    };
    requestAnimationFrame(frame);
  });
  return frames / ((performance.now() - start) / 1000);
}

/** CPU time of the page's main thread, in seconds. */
async function cpu(session) {
  const { metrics } = await session.send('Performance.getMetrics');
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}

const PARTS = { script: 'ScriptDuration', style: 'RecalcStyleDuration', layout: 'LayoutDuration' };

async function measured(page, session) {
  const before = await cpu(session);
  const frames = await page.evaluate(scrolled, SECONDS);
  const after = await cpu(session);
  const perFrame = (name) => Number(((1000 * (after[name] - before[name])) / (frames * SECONDS)).toFixed(2));
  const parts = Object.entries(PARTS).map(([part, name]) => [part, perFrame(name)]);
  return { framesPerSecond: Math.round(frames), frameCpu: perFrame('TaskDuration'), ...Object.fromEntries(parts) };
}

/** Keys, and the cell that they lead to from the one before; keys may come faster than drawing. */
const WAYS = [
  [['Control+End'], '99,199'],
  [['Home'], '99,0'],
  [['End', 'ArrowUp'], '98,199'],
  [['Control+Home'], '0,0'],
  [Array(12).fill('PageDown'), '99,0'],
  [['PageUp', 'PageUp', 'ArrowRight'], '79,1'],
];

/** A page with nothing but so many cells, which says what this machine can do. */
const PLAIN = `<div class="map" style="overflow:auto;height:600px;width:1200px"><table>${'<tr>'.concat('<td>cell<td>cell<td>cell<td>cell<td>cell<td>cell<td>cell<td>cell'.repeat(4)).repeat(100)}</table></div>`;

await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const { browser, page, errors } = await open(program);
try {
  const origin = `http://127.0.0.1:${server.address().port}/console/`;
  await page.goto(origin);
  await page.evaluate(() => sessionStorage.setItem('laneway.token', 'lw_x'));
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  let plain = null;
  if (measures) {
    await page.setContent(PLAIN);
    plain = await measured(page, session);
  }
  const begin = Date.now();
  await page.goto(`${origin}#/groups/large`);
  await page.reload();
  await page.locator('[data-cell]').first().waitFor();
  const shown = Date.now() - begin;
  const drawn = await page.locator('[data-cell]').count();
  const scrolling = measures ? [await measured(page, session), await measured(page, session)] : [];
  const used = await use(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  console.log(
    JSON.stringify({ shown, drawn, plain, scrolling, used, megabytes: usedSize / 1e6, errors }),
  );
} finally {
  await browser.close();
  server.close();
}
process.exit(0);

/** Where keys and filters lead the focus, and what a narrow screen shows. */
async function use(page) {
  const focused = () => page.evaluate(() => document.activeElement?.dataset?.cell ?? null);
  const at = (cell) =>
    page.waitForFunction((wanted) => document.activeElement?.dataset?.cell === wanted, cell);
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  await page.locator('[data-cell][tabindex="0"]').focus();
  const reached = [];
  for (const [keys, cell] of WAYS) {
    await press(...keys);
    await at(cell);
    reached.push(cell);
  }
  // A cell that is scrolled away leaves the focus in the map.
  await page.evaluate(() => document.querySelector('.map').scrollTo(0, 0));
  await page.waitForFunction(() => {
    const [row] = document.activeElement?.dataset?.cell?.split(',') ?? [99];
    return Number(row) < 40;
  });
  await press('Control+End');
  await at('99,199');
  // A filter leaves few cells, and one of them can be reached by the tab key.
  await page.getByLabel('Search services').fill('service-19');
  await page.getByLabel('Search lanes').fill('lane-9');
  await page.waitForFunction(() => document.querySelectorAll('[data-cell]').length === 11 * 11);
  await page.locator('[data-cell][tabindex="0"]').focus();
  const filtered = await focused();
  await page.getByLabel('Search services').fill('none has this');
  await page.getByText('No lane or no service matches').waitFor();
  await page.getByLabel('Search services').fill('');
  await page.getByLabel('Search lanes').fill('');
  await page.waitForFunction(() => document.querySelectorAll('[data-cell]').length > 11 * 11);
  await page.setViewportSize({ width: 420, height: 900 });
  await page.locator('.map-list').first().waitFor();
  const listed = await page.locator('.map-list').count();
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  return { reached, filtered, listed, overflow };
}
