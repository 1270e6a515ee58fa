import { expect, it } from 'vitest';

import { arranged } from './arranged';

const sorted = (values: (string | number | null)[], isDescending = false) =>
  arranged(values, (each) => each, { title: '', isDescending }, 'en');

it('sorts texts as people do, and numbers by their size', () => {
  expect(sorted(['v10', 'v2', 'a'])).toEqual(['a', 'v2', 'v10']);
  expect(sorted([10, 9, 100], true)).toEqual([100, 10, 9]);
});

it('has what has no value at the end, either way', () => {
  expect(sorted([null, 2, null, 1])).toEqual([1, 2, null, null]);
  expect(sorted([null, 2, 1], true)).toEqual([2, 1, null]);
});

it('leaves equals in their order', () => {
  const items = [{ a: 1, b: 'x' }, { a: 1, b: 'y' }];
  const order = { title: '', isDescending: true };
  expect(arranged(items, ({ a }) => a, order, 'en')).toEqual(items);
});
