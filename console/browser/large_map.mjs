/**
 * Measures the lane map of 200 services and 100 lanes, of which 5% of the cells change each second:
 * `node large_map.mjs CHROMIUM`. The built console gets its objects from here instead of a server.
 * Prints frames per second while it is scrolled, the CPU time of a frame in milliseconds and what it
 * goes to, cells that are drawn, and memory. Others that use the machine slow the frames, but hardly
 * change their CPU time: below 33 ms, an idle machine draws more than 30 frames a second.
 */
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';

import { open } from './browser.mjs';

const [program] = process.argv.slice(2);
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

/** A page with nothing but so many cells, which says what this machine can do. */
const PLAIN = `<div class="map" style="overflow:auto;height:600px;width:1200px"><table>${'<tr>'.concat('<td>cell<td>cell<td>cell<td>cell<td>cell<td>cell<td>cell<td>cell'.repeat(4)).repeat(100)}</table></div>`;

await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const { browser, page, errors } = await open(program);
try {
  const origin = `http://127.0.0.1:${server.address().port}/console/`;
  await page.goto(origin);
  await page.evaluate(() => sessionStorage.setItem('laneway.token', 'lw_x'));
  await page.setContent(PLAIN);
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const plain = await measured(page, session);
  const begin = Date.now();
  await page.goto(`${origin}#/groups/large`);
  await page.reload();
  await page.locator('[data-cell]').first().waitFor();
  const shown = Date.now() - begin;
  const drawn = await page.locator('[data-cell]').count();
  const scrolling = [await measured(page, session), await measured(page, session)];
  // A cell that is scrolled away leaves the focus in the map. Keys reach the last cell; a filter leaves few.
  await page.locator('[data-cell][tabindex="0"]').focus();
  await page.evaluate(() => document.querySelector(".map").scrollTo(0, 0));
  await page.waitForFunction(() => document.activeElement.dataset.cell !== undefined);
  await page.keyboard.press("End");
  for (let times = 0; times < 12; times += 1) await page.keyboard.press('PageDown');
  await page.waitForFunction(() => document.activeElement.dataset.cell === '99,199');
  await page.getByLabel('Search services').fill('service-19');
  await page.getByLabel('Search lanes').fill('lane-9');
  await page.waitForFunction(() => document.querySelectorAll('[data-cell]').length === 11 * 11);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  console.log(
    JSON.stringify({ shown, drawn, plain, scrolling, megabytes: usedSize / 1e6, errors }),
  );
} finally {
  await browser.close();
  server.close();
}
process.exit(0);
