import { describe, expect, it } from 'vitest';

import { completeLines, type LoggedRequest } from '../api/requestLog';
import { ALL, isError, kept, MOST, sender, toQuery } from './tap';

function request(time: string): LoggedRequest {
  const [method, path, status, service] = ['GET', '/mock', 200, 'default/mocka'];
  return { proxy: 'sidecar~a.default', time, method, path, status, duration_ms: 1, service, lane: 's1', served: 's1' };
}

describe('lines of JSON', () => {
  it('are read as they become complete', () => {
    expect(completeLines('{"a":1}\n{"b"')).toEqual({ lines: ['{"a":1}'], rest: '{"b"' });
    expect(completeLines('{"a":1}\n')).toEqual({ lines: ['{"a":1}'], rest: '' });
  });
});

describe('what is watched', () => {
  it('is asked for by what was chosen alone', () => {
    const filter = { ...ALL, lane: 's2', status: '5xx', header: ' x-user: jill ' };
    expect(toQuery(filter, true)).toBe('tailLines=20&lane=s2&status=5xx&header=x-user%3A+jill');
    expect(toQuery(ALL, false)).toBe('tailLines=0');
  });

  it('is shown with the newest first, whichever proxy told it first', () => {
    const rows = kept([], [request('T2'), request('T1')], 0);
    expect(kept(rows, [request('T3')], 2).map(({ time }) => time)).toEqual(['T3', 'T2', 'T1']);
  });

  it('is bounded, and each row has a name of its own', () => {
    let rows = kept([], [], 0);
    for (let n = 0; n < MOST + 50; n += 1) {
      rows = kept(rows, [request(`T${String(n).padStart(4, '0')}`)], n);
    }
    expect(rows.length).toBe(MOST);
    expect(rows[0]?.time).toBe(`T0${MOST + 49}`);
    expect(new Set(rows.map(({ metadata }) => metadata.name)).size).toBe(MOST);
  });

  it('names who sent a request on', () => {
    expect(sender('sidecar~mocka-v1.default')).toBe('mocka-v1');
    expect(sender('router~ingressgateway.istio-system')).toBe('ingressgateway');
  });

  it('counts no answer as an error', () => {
    expect([null, 0, 500, 404, 200].map(isError)).toEqual([true, true, true, false, false]);
  });
});
