import { describe, expect, it } from 'vitest';

import { isSame, merged } from './merges';

describe('a form that two people changed', () => {
  const base = { owner: 'jack', enabled: true, services: ['a', 'b'] };

  it('has the changes of both', () => {
    const mine = { ...base, owner: 'jill' };
    const theirs = { ...base, enabled: false };
    expect(merged(base, mine, theirs)).toEqual({ ...base, owner: 'jill', enabled: false });
  });

  it('has mine where both changed the same value', () => {
    expect(merged(base, { ...base, owner: 'jill' }, { ...base, owner: 'joe' }).owner).toBe('jill');
  });

  it('has what either added to a list of names, and nothing that either removed', () => {
    const mine = { ...base, services: ['a', 'b', 'c'] };
    const theirs = { ...base, services: ['b', 'd'] };
    expect(merged(base, mine, theirs).services).toEqual(['b', 'd', 'c']);
  });

  it('has things with names one by one', () => {
    const rule = (name: string, uri: string, online = true) => ({ name, uri, online });
    const was = [rule('r1', '/a'), rule('r2', '/b'), rule('r3', '/c'), rule('r4', '/d')];
    const mine = [rule('r1', '/mine'), rule('r3', '/c'), rule('r4', '/mine'), rule('r6', '/f')];
    const theirs = [rule('r1', '/a', false), rule('r2', '/b'), rule('r5', '/e')];
    expect(merged(was, mine, theirs)).toEqual([
      rule('r1', '/mine', false),
      rule('r5', '/e'),
      // They removed r3, which I left alone, and r4, which I changed.
      rule('r4', '/mine'),
      rule('r6', '/f'),
    ]);
  });

  it('is mine where names do not tell items apart', () => {
    const twice = [{ name: '', value: '1' }, { name: '', value: '2' }];
    expect(merged([{ name: 'a', value: '1' }], twice, [])).toEqual(twice);
  });

  it('is theirs where I changed nothing', () => {
    const reordered = { services: ['a', 'b'], enabled: true, owner: 'jack' };
    expect(isSame(base, reordered)).toBe(true);
    expect(merged(base, reordered, { ...base, owner: 'joe' }).owner).toBe('joe');
  });
});
