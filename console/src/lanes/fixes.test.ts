import { describe, expect, it } from 'vitest';

import type { Lane } from '../api/kinds';
import type { Found, PatchStep } from '../api/reads';
import { commit, commitAll } from './commits';
import { fixOf } from './fixes';

const RULES = ['r1', 'r2'].map((name) => ({ name, hosts: ['a.test', 'b.test'] }));

function lane(more: Partial<Lane> = {}): Lane {
  const spec = { group: 'test', ingress: RULES, fallback: ['s3', 's3'] } as unknown as Lane['spec'];
  return { apiVersion: 'laneway.dev/v1alpha1', kind: 'Lane', metadata: { name: 's2' }, spec, ...more };
}

function found(path: string | null, name = 'test/s2'): Found {
  const patch = path === null ? null : (['test', 'remove'] as const).map((op): PatchStep => ({ op, path, value: null }));
  const what = { severity: 'warning', code: 'SHADOWED_RULE', message: '', fix: null, example: null } as const;
  return { ...what, kind: 'Lane', name, field: '', patch };
}

describe('a safe fix', () => {
  it('is previewed as what it makes of the field', () => {
    expect(fixOf(found('/spec/ingress/1'), [lane()])?.spec).toEqual({ ingress: [RULES[0]] });
    expect(fixOf(found('/spec/fallback/1'), [lane()])?.spec).toEqual({ fallback: ['s3'] });
    expect(fixOf(found('/spec/ingress/0/hosts/1'), [lane()])?.spec).toEqual({
      ingress: [{ name: 'r1', hosts: ['a.test'] }, RULES[1]],
    });
  });

  it('is none where the analysis has none, or the lane has changed', () => {
    expect(fixOf(found(null), [lane()])).toBeNull();
    expect(fixOf(found('/spec/ingress/2'), [lane()])).toBeNull();
    expect(fixOf(found('/spec/ingress/1', 'other/s2'), [lane()])).toBeNull();
    expect(fixOf(found('/metadata/name'), [lane()])).toBeNull();
  });
});

describe('what files declare', () => {
  const fromFiles = lane({ declaredBy: 'files' });
  const document = {
    apiVersion: 'laneway.dev/v1alpha1',
    kind: 'Lane',
    metadata: { name: 's2' },
    spec: { enabled: false },
  };

  it('is committed there', () => {
    expect(commit(fromFiles, { enabled: false })).toEqual([document]);
    expect(commit(lane(), { enabled: false })).toBeUndefined();
  });

  it('is committed as far as it is theirs', () => {
    const both = [fromFiles, lane()].map((object) => ({ object, spec: { enabled: false } }));
    expect(commitAll(both)).toEqual([document]);
    expect(commitAll(both.slice(1))).toBeUndefined();
  });
});
