import { describe, expect, it } from 'vitest';

import type { LaneTraffic } from '../api/traffic';
import { figures, kept, key, totals, type Sample } from './figures';

function counted(lane: string, servedLane: string, requests: number, more = {}): LaneTraffic {
  return { service: 'default/a', lane, servedLane, requests, ...more };
}

function sample(at: number, ...lanes: LaneTraffic[]): Sample {
  return { at: at * 1000, lanes };
}

describe('figures of lanes', () => {
  it('are rates between the first and the last sample', () => {
    const samples = [sample(0, counted('s2', 's2', 10)), sample(4, counted('s2', 's2', 30))];
    expect(figures(samples).get(key('s2', 'default/a'))).toMatchObject({
      requests: 30,
      perSecond: 5,
      fallbacksPerSecond: 0,
    });
  });

  it('are no rates after a single sample', () => {
    const found = figures([sample(0, counted('s2', 's2', 10))]);
    expect(found.get(key('s2', 'default/a'))).toMatchObject({ requests: 10, perSecond: 0 });
    expect(figures([]).size).toBe(0);
  });

  it('are never below zero, when a proxy was replaced', () => {
    const samples = [sample(0, counted('s2', 's2', 10)), sample(2, counted('s2', 's2', 4))];
    expect(figures(samples).get(key('s2', 'default/a'))?.perSecond).toBe(0);
  });

  it('tell why another lane served', () => {
    const samples = [
      sample(0),
      sample(2, counted('s2', 's2', 4), counted('s2', 's1', 6), counted('?', 's1', 1)),
    ];
    const found = figures(samples);
    expect(found.get(key('s2', 'default/a'))).toMatchObject({
      requests: 10,
      fallbacksPerSecond: 3,
      served: [
        { lane: 's2', requests: 4, cause: '' },
        { lane: 's1', requests: 6, cause: 'NoHealthyInstance' },
      ],
    });
    expect(found.get(key('?', 'default/a'))?.served[0]?.cause).toBe('NoSuchLane');
    expect(totals(found.values())).toEqual({
      requests: 11,
      fallbacks: 7,
      fallbacksPerSecond: 3.5,
      errors: null,
      perSecond: 5.5,
    });
  });

  it('have errors and latencies where the server counts them', () => {
    const latency = (p: number) => ({ latencyMilliseconds: { p50: p, p90: p, p99: null } });
    const samples = [
      sample(0, counted('s2', 's2', 0, { errors: 1 })),
      sample(
        2,
        counted('s2', 's2', 4, { errors: 5, cause: '', ...latency(3) }),
        counted('s2', '', 2, { errors: 2, cause: 'NoHealthyInstance', ...latency(9) }),
      ),
    ];
    const found = figures(samples);
    expect(found.get(key('s2', 'default/a'))).toMatchObject({
      errors: 7,
      errorsPerSecond: 3,
      fallbacksPerSecond: 0,
      latency: { p50: 9, p90: 9, p99: null },
    });
    expect(totals(found.values())).toMatchObject({ errors: 7, fallbacks: 0 });
  });

  it('keep the samples of a window, and one to compare with', () => {
    const [a, b, c, d] = [sample(0), sample(2), sample(9), sample(60)];
    expect(kept([a, b], c, 8000)).toEqual([b, c]);
    expect(kept([b, c], d, 8000)).toEqual([c, d]);
    expect(kept([], a, 8000)).toEqual([a]);
  });
});
