import { describe, expect, it } from 'vitest';

import { isServed, mayEditGroup, mayEditLanes } from './rights';

const who = (scopes: string[]) => ({ name: 'jill', scopes });

describe('rights on one machine', () => {
  it('are those of the scopes, and everything is served', () => {
    expect(mayEditGroup(who(['admin']), 'shop')).toBe(true);
    expect(mayEditLanes(who(['edit:shop']), 'shop')).toBe(true);
    expect(mayEditLanes(who(['edit:shop']), 'other')).toBe(false);
    expect(mayEditGroup(who(['edit:shop']), '')).toBe(true);
    expect(mayEditGroup(who(['view']), '')).toBe(false);
    expect(isServed(who(['view']), 'revisions')).toBe(true);
  });
});

describe('rights in a cluster', () => {
  it('are those that the cluster tells, of lanes and groups apart', () => {
    const jill = { ...who([]), edits: ['lanes'], serves: ['previews'] };
    expect(mayEditLanes(jill, 'shop')).toBe(true);
    expect(mayEditGroup(jill, 'shop')).toBe(false);
    expect(mayEditGroup(jill, '')).toBe(false);
  });

  it('do not follow from a scope', () => {
    const jill = { name: 'jill', scopes: ['admin'], edits: [], serves: [] };
    expect(mayEditLanes(jill, 'shop')).toBe(false);
    expect(mayEditGroup(jill, 'shop')).toBe(false);
  });

  it('only what is served is offered', () => {
    const jill = { ...who([]), edits: [], serves: ['previews'] };
    expect(isServed(jill, 'previews')).toBe(true);
    expect(isServed(jill, 'revisions')).toBe(false);
  });
});
