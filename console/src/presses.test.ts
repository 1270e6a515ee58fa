import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { isPressed, watchPresses, whenReleased } from './presses';

const target = new EventTarget();
watchPresses(target);

function happens(name: string, more: object = {}): void {
  const event = Object.assign(new Event(name), { isPrimary: true, button: 0, buttons: 1, ...more });
  target.dispatchEvent(event);
}

/** What has been shown of what arrives now, in its order. */
function arriving(...names: string[]): string[] {
  const shown: string[] = [];
  names.forEach((name) => void whenReleased().then(() => shown.push(name)));
  return shown;
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  happens('pointerup');
  vi.runAllTimers();
  vi.useRealTimers();
});

describe('what arrives', () => {
  it('is shown at once while nothing is pressed', async () => {
    const shown = arriving('lane');
    await vi.advanceTimersByTimeAsync(0);
    expect(shown).toEqual(['lane']);
  });

  it('waits for the release and for the click after it', async () => {
    happens('pointerdown');
    const shown = arriving('lane', 'alert');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(shown).toEqual([]);
    happens('pointerup');
    await vi.advanceTimersByTimeAsync(0);
    expect(shown).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(shown).toEqual(['lane', 'alert']);
  });

  it('waits for the second click of two', async () => {
    happens('pointerdown');
    const shown = arriving('lane');
    happens('pointerup');
    happens('pointerdown');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(shown).toEqual([]);
  });
});

describe('a press', () => {
  it('ends with a drag, a menu and another window as well', () => {
    for (const name of ['pointercancel', 'dragend', 'contextmenu', 'blur']) {
      happens('pointerdown');
      expect([name, isPressed()]).toEqual([name, true]);
      happens(name);
      vi.advanceTimersByTime(1_000);
      expect([name, isPressed()]).toEqual([name, false]);
    }
  });

  it('ends with a pointer that comes back without a button', () => {
    happens('pointerdown');
    happens('pointermove');
    vi.advanceTimersByTime(5_000);
    expect(isPressed()).toBe(true);
    happens('pointermove', { buttons: 0 });
    vi.advanceTimersByTime(1_000);
    expect(isPressed()).toBe(false);
  });

  it('ends by itself where nothing tells of its end', async () => {
    happens('pointerdown');
    const shown = arriving('lane');
    await vi.advanceTimersByTimeAsync(60_000);
    expect([isPressed(), shown]).toEqual([false, ['lane']]);
  });

  it('is one of the main button and the first finger', () => {
    happens('pointerdown', { button: 2 });
    happens('pointerdown', { isPrimary: false });
    expect(isPressed()).toBe(false);
  });
});
