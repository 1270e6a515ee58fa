import { describe, expect, it } from 'vitest';

import { stepOf } from './gridKeys';

const NONE = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };

describe('keys of a grid', () => {
  it('lead to the ends of a row, and with Ctrl to those of the grid', () => {
    expect(stepOf({ ...NONE, key: 'Home' })).toEqual([0, -Infinity]);
    expect(stepOf({ ...NONE, key: 'End' })).toEqual([0, Infinity]);
    expect(stepOf({ ...NONE, key: 'Home', ctrlKey: true })).toEqual([-Infinity, -Infinity]);
    expect(stepOf({ ...NONE, key: 'End', metaKey: true })).toEqual([Infinity, Infinity]);
  });

  it('leave the browser its own', () => {
    expect(stepOf({ ...NONE, key: 'ArrowLeft', altKey: true })).toBeNull();
    expect(stepOf({ ...NONE, key: 'ArrowDown', ctrlKey: true })).toBeNull();
    expect(stepOf({ ...NONE, key: 'PageDown', ctrlKey: true })).toBeNull();
    expect(stepOf({ ...NONE, key: 'ArrowUp', shiftKey: true })).toBeNull();
    expect(stepOf({ ...NONE, key: 'Tab' })).toBeNull();
  });
});
