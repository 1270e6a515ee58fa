import { describe, expect, it } from 'vitest';

import { scrolledTo, seen } from './viewport';

describe('what is drawn', () => {
  it('is what is seen and a margin, within what there is', () => {
    expect(seen(0, 300, 50, 200, 2)).toEqual({ start: 0, end: 8 });
    expect(seen(1000, 300, 50, 200, 2)).toEqual({ start: 18, end: 28 });
    expect(seen(9_900, 300, 50, 200, 2)).toEqual({ start: 196, end: 200 });
  });

  it('is nothing beyond the end, and all of what is small', () => {
    expect(seen(99_999, 300, 50, 3, 2)).toEqual({ start: 3, end: 3 });
    expect(seen(0, 300, 50, 3, 2)).toEqual({ start: 0, end: 3 });
    expect(seen(0, 0, 50, 0, 2)).toEqual({ start: 0, end: 0 });
  });

  it('scrolls no further than needed', () => {
    expect(scrolledTo(3, 50, 100, 300, 0)).toBe(100);
    expect(scrolledTo(1, 50, 100, 300, 0)).toBe(50);
    expect(scrolledTo(10, 50, 100, 300, 0)).toBe(250);
    expect(scrolledTo(10, 50, 100, 300, 100)).toBe(350);
  });
});
