import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { completeEvents, endsInitial, events, type StreamEvent } from './eventStream';
import type { AnyObject } from './kinds';
import { watchPresses } from '../presses';
import { after, LiveObjects, ofKind } from './objects';
import { ask, Refused, refused } from './requests';
import { warnings } from './reviews';

function lane(name: string, version = '1'): AnyObject {
  const metadata = { name, resourceVersion: version };
  return { apiVersion: 'laneway.dev/v1alpha1', kind: 'Lane', metadata, spec: { group: 'test' } };
}

describe('server-sent events', () => {
  it('are read as they become complete', () => {
    expect(completeEvents('id: 1\ndata: {"a":1}\n\ndata: {"b"')).toEqual({
      data: ['{"a":1}'],
      rest: 'data: {"b"',
    });
  });

  it('may come in pieces, also within a character', async () => {
    const added: StreamEvent = { type: 'ADDED', object: lane('泳道') };
    const bytes = new TextEncoder().encode(`id: 4\ndata: ${JSON.stringify(added)}\n\n: ping\n\n`);
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
        controller.close();
      },
    });
    const found = [];
    for await (const lot of events(body)) found.push(...lot);
    expect(found).toEqual([added]);
  });

  it('end the first objects by a bookmark that says so', () => {
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    expect(endsInitial({ type: 'BOOKMARK', object: { metadata: { annotations } } })).toBe(true);
    expect(endsInitial({ type: 'BOOKMARK', object: { metadata: {} } })).toBe(false);
    expect(endsInitial({ type: 'ADDED', object: lane('s1') })).toBe(false);
  });
});

describe('objects', () => {
  it('keep the order of their creation when they change', () => {
    const objects = after(new Map(), [
      { type: 'ADDED', object: lane('s2') },
      { type: 'ADDED', object: lane('s1') },
      { type: 'MODIFIED', object: lane('s2', '5') },
    ]);
    const lanes = ofKind({ connection: 'live', refusal: '', objects }, 'Lane');
    expect(lanes.map(({ metadata }) => [metadata.name, metadata.resourceVersion])).toEqual([
      ['s2', '5'],
      ['s1', '1'],
    ]);
  });

  it('are gone when they are deleted', () => {
    const objects = after(new Map(), [
      { type: 'ADDED', object: lane('s1') },
      { type: 'DELETED', object: lane('s1') },
    ]);
    expect(objects.size).toBe(0);
  });
});

describe('a refusal', () => {
  it('is read with its findings', () => {
    const causes = [{ reason: 'INVALID', field: 'spec.mode', message: 'expected strict' }];
    const status = { kind: 'Status', reason: 'Invalid', message: 'is invalid', details: { causes } };
    expect(refused(422, JSON.stringify(status))).toMatchObject({
      code: 422,
      message: 'is invalid',
      reason: 'Invalid',
      findings: [{ field: 'spec.mode', message: 'expected strict', reason: 'INVALID' }],
    });
  });

  it('is quoted where something else answers', () => {
    expect(refused(502, '<h1>Bad Gateway</h1>').message).toBe('<h1>Bad Gateway</h1>');
  });
});

describe('warnings', () => {
  it('are read from one header, whatever is in them', () => {
    const header = '299 - "a \\"b\\", c", 299 - "\\u6cf3\\u9053 s2"';
    expect(warnings(header)).toEqual(['a "b", c', '泳道 s2']);
    expect(warnings('')).toEqual([]);
  });
});

describe('while a pointer is pressed, nothing that arrives is shown:', () => {
  const pointer = new EventTarget();
  watchPresses(pointer);
  const happens = (name: string): boolean =>
    pointer.dispatchEvent(Object.assign(new Event(name), { isPrimary: true, button: 0 }));

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('sessionStorage', { getItem: () => null });
    vi.stubGlobal('document', Object.assign(new EventTarget(), { hidden: false }));
  });
  afterEach(() => {
    happens('pointerup');
    vi.runOnlyPendingTimers();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  /** What the page gets while a pointer is pressed, and what afterwards. */
  async function asked(status: number): Promise<unknown[]> {
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('{"message": "x"}', { status })));
    happens('pointerdown');
    let got: unknown = null;
    void ask('GET', '/').then(
      (answer) => (got = answer),
      (error: unknown) => (got = error),
    );
    await vi.advanceTimersByTimeAsync(5_000);
    const before = got;
    happens('pointerup');
    await vi.advanceTimersByTimeAsync(1_000);
    return [before, got];
  }

  it('no answer of the API', async () => {
    expect(await asked(200)).toEqual([null, { message: 'x' }]);
  });

  it('no refusal of the API', async () => {
    expect(await asked(404)).toEqual([null, expect.any(Refused)]);
  });

  it('no object of the stream', async () => {
    const bookmark = { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } };
    let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (stream = controller) });
    const tell = (type: string, object: object): void =>
      stream?.enqueue(new TextEncoder().encode(`data: ${JSON.stringify({ type, object })}\n\n`));
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(body)));
    const live = new LiveObjects();
    const stop = live.listen(() => undefined);
    tell('ADDED', lane('s1'));
    tell('BOOKMARK', bookmark);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(live.get().objects.size).toBe(1);
    happens('pointerdown');
    tell('ADDED', lane('s2'));
    tell('ADDED', lane('s3'));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(live.get().objects.size).toBe(1);
    happens('pointerup');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(live.get().objects.size).toBe(3);
    stop();
  });
});
