import { describe, expect, it } from 'vitest';

import { toldPath } from './toldPaths';
import { moved, rest, WHOLE } from './weights';

describe('weights', () => {
  it('take from the baseline first', () => {
    const after = moved({ s2: 10, s3: 20 }, 's2', 60);
    expect(after).toEqual({ s2: 60, s3: 20 });
    expect(rest(after)).toBe(20);
  });

  it('take from other lanes in proportion where the baseline has nothing left', () => {
    expect(moved({ s2: 0, s3: 60, s4: 30 }, 's2', 70)).toEqual({ s2: 70, s3: 20, s4: 10 });
    expect(moved({ s2: 0, s3: 50, s4: 50 }, 's2', 100)).toEqual({ s2: 100, s3: 0, s4: 0 });
  });

  it('are whole numbers that sum to 100 with the baseline, wherever a slider is moved', () => {
    for (let value = 0; value <= WHOLE; value += 1) {
      const after = moved({ a: 0, b: 33, c: 33, d: 34 }, 'a', value);
      const numbers = [...Object.values(after), rest(after)];
      expect(numbers.every((each) => Number.isInteger(each) && each >= 0)).toBe(true);
      expect(numbers.reduce((total, each) => total + each)).toBe(WHOLE);
      expect(after['a']).toBe(value);
    }
  });

  it('stay within 0 and 100', () => {
    expect(moved({ s2: 10 }, 's2', 170)).toEqual({ s2: 100 });
    expect(moved({ s2: 10 }, 's2', -4)).toEqual({ s2: 0 });
  });
});

describe('a path that the API tells', () => {
  it('is read hop by hop', () => {
    expect(toldPath('mocka in lane s1, then mockb in lane s1 instead of s2')).toEqual({
      hops: [
        { service: 'mocka', lane: 's1', insteadOf: null },
        { service: 'mockb', lane: 's1', insteadOf: 's2' },
      ],
      end: '',
      byWeight: false,
    });
  });

  it('may end early, leave the lanes, or be one of several', () => {
    const told = 'a in no lane, then 503: b, then c, are down (one path of several, by weight)';
    expect(toldPath(told)).toEqual({
      hops: [{ service: 'a', lane: null, insteadOf: null }],
      end: '503: b, then c, are down',
      byWeight: true,
    });
    expect(toldPath('404: no rule takes it').end).toBe('404: no rule takes it');
  });
});
