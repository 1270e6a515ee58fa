import { describe, expect, it } from 'vitest';

import type { Lane, LaneGroup, LaneSpec } from '../api/kinds';
import { laneMap } from './laneMap';

const SERVICES = ['default/mocka', 'default/mockb', 'default/mockc'];

function group(spec: Partial<LaneGroup['spec']> = {}): LaneGroup {
  return {
    apiVersion: 'laneway.dev/v1alpha1',
    kind: 'LaneGroup',
    metadata: { name: 'test' },
    spec: {
      mode: 'permissive',
      routeHeader: 'x-lane',
      services: ['mocka', { name: 'mockb' }, 'default/mockc'],
      ...spec,
    },
  };
}

/** `counts`: service -> [ready, total]. */
function lane(
  name: string,
  counts: Record<string, [number, number]> | null,
  spec: Partial<LaneSpec> = {},
): Lane {
  const found = Object.entries(counts ?? {});
  return {
    apiVersion: 'laneway.dev/v1alpha1',
    kind: 'Lane',
    metadata: { name },
    spec: { group: 'test', selector: {}, services: found.map(([service]) => service), ...spec },
    status: {
      services: found.map(([service, [ready, total]]) => ({
        namespace: 'default',
        name: service,
        ready,
        total,
      })),
    },
  };
}

const S1 = lane('s1', { mocka: [1, 1], mockb: [1, 1], mockc: [2, 2] });
const S2 = lane('s2', { mocka: [1, 1], mockc: [1, 2] });
const S3 = lane('s3', { mockb: [1, 1] });

function answers(lanes: Lane[], spec: Partial<LaneGroup['spec']> = {}): Record<string, string[]> {
  return Object.fromEntries(
    laneMap(group(spec), lanes).map(({ lane: { metadata }, cells }) => [
      metadata.name,
      cells.map((cell) => (cell.answers === 'nowhere' ? '-' : cell.lane)),
    ]),
  );
}

describe('the lane map', () => {
  it("shows the article's three lanes", () => {
    expect(answers([S1, S2, S3])).toEqual({
      s1: ['s1', 's1', 's1'],
      s2: ['s2', 's1', 's2'],
      s3: ['s1', 's3', 's1'],
    });
  });

  it('has the services of the group across, however they are written', () => {
    const [row] = laneMap(group(), [S1]);
    expect(row?.cells.map(({ service }) => service)).toEqual(SERVICES);
  });

  it('takes the first lane as the baseline, or the one that the group names', () => {
    const base = (lanes: Lane[], spec = {}) =>
      laneMap(group(spec), lanes).find(({ isBaseline }) => isBaseline)?.lane.metadata.name;
    expect(base([S2, S1])).toBe('s2');
    expect(base([S2, S1], { baseline: 's1' })).toBe('s1');
    const recorded = { ...group(), status: { baseline: 's1' } };
    const rows = laneMap(recorded, [S2, S1]);
    expect(rows.find(({ isBaseline }) => isBaseline)?.lane.metadata.name).toBe('s1');
  });

  it('puts lanes of a lower order first', () => {
    const first = lane('first', { mocka: [1, 1] }, { order: -1 });
    expect(Object.keys(answers([S1, S2, first]))).toEqual(['first', 's1', 's2']);
  });

  it('falls back where no instance of the lane is ready', () => {
    const down = lane('s2', { mocka: [0, 2] });
    const [, row] = laneMap(group(), [S1, down]);
    expect(row?.cells[0]).toEqual({
      service: 'default/mocka',
      answers: 'fallback',
      lane: 's1',
      own: { ready: 0, total: 2 },
      count: { ready: 1, total: 1 },
    });
  });

  it("tries the lane's fallback lanes before the baseline", () => {
    const s4 = lane('s4', {}, { fallback: ['s3', 's2'] });
    expect(answers([S1, S2, S3, s4])['s4']).toEqual(['s2', 's3', 's2']);
  });

  it('takes the baseline of a single service', () => {
    const spec = { serviceBaselines: { mockc: 's2' } };
    expect(answers([S1, S2, S3], spec)['s3']).toEqual(['s1', 's3', 's2']);
  });

  it('knows that strict lanes answer alone', () => {
    expect(answers([S1, S2], { mode: 'strict' })['s2']).toEqual(['s2', '-', 's2']);
    const strict = lane('s3', { mockb: [0, 1] }, { mode: 'strict' });
    expect(answers([S1, strict])['s3']).toEqual(['-', '-', '-']);
  });

  it('says so where nobody answers', () => {
    const down = lane('s1', { mocka: [0, 1], mockb: [1, 1] });
    expect(answers([down])['s1']).toEqual(['-', 's1', '-']);
  });

  it('takes a lane that lists no services to contain all', () => {
    const { services, ...spec } = S1.spec;
    void services;
    expect(answers([{ ...S1, spec }, S3])['s1']).toEqual(['s1', 's1', 's1']);
  });

  it('does not know counts before the server has counted', () => {
    const fresh: Lane = { ...S1, status: {} };
    expect(laneMap(group(), [fresh])[0]?.cells[0]).toMatchObject({ answers: 'own', count: null });
  });

  it('leaves the lanes of other groups out', () => {
    const other = lane('other', { mocka: [1, 1] }, { group: 'shop' });
    expect(Object.keys(answers([other, S1]))).toEqual(['s1']);
  });
});

describe('while lanes change', () => {
  const services = ['default/a', 'default/b'];
  const counted = (ready: number) => services.map((each) => ({ namespace: 'default', name: each.slice(8), ready, total: 1 }));
  const one = (name: string, ready: number, contained = services): Lane =>
    ({
      apiVersion: 'laneway.dev/v1alpha1',
      kind: 'Lane',
      metadata: { name },
      spec: { group: 'test', selector: {}, services: contained },
      status: { services: counted(ready) },
    }) as unknown as Lane;
  const group = {
    metadata: { name: 'test' },
    spec: { mode: 'permissive', services },
    status: { baseline: 's1' },
  } as unknown as LaneGroup;

  it('only the rows that they are in are made anew', () => {
    const [s1, s2, s3] = [one('s1', 1), one('s2', 1, services.slice(1)), one('s3', 1)];
    const made = new Map();
    const before = laneMap(group, [s1, s2, s3], made);
    const after = laneMap(group, [s1, s2, one('s3', 0)], made);
    expect(after.map((row, index) => row === before[index])).toEqual([true, true, false]);
    expect(after).toEqual(laneMap(group, [s1, s2, one('s3', 0)]));
  });

  it('a row follows the baseline that it falls back to', () => {
    const s2 = one('s2', 1, services.slice(1));
    const made = new Map();
    laneMap(group, [one('s1', 1), s2], made);
    const [, row] = laneMap(group, [one('s1', 0), s2], made);
    expect(row?.cells.map(({ answers }) => answers)).toEqual(['nowhere', 'own']);
  });
});
