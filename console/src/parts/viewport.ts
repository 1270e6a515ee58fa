/** Which rows and columns of something large are to be drawn, and whether the screen is narrow. */
import { useSyncExternalStore } from 'react';

export interface Extent {
  start: number;
  /** The first one that is not drawn any more. */
  end: number;
}

/** Those that are seen, and a few more on both sides; `offset` and `length` in pixels. */
export function seen(
  offset: number,
  length: number,
  size: number,
  count: number,
  margin: number,
): Extent {
  const first = Math.floor(offset / size) - margin;
  const last = Math.ceil((offset + length) / size) + margin;
  const start = Math.max(0, Math.min(first, count));
  return { start, end: Math.max(start, Math.min(last, count)) };
}

/** Where to scroll so that an item is seen beside what covers the first `covered` pixels. */
export function scrolledTo(
  index: number,
  size: number,
  offset: number,
  length: number,
  covered: number,
): number {
  const from = index * size;
  if (from < offset) return from;
  return Math.max(offset, from + size - (length - covered));
}

const NARROW = '(max-width: 640px)';

export function useNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = window.matchMedia(NARROW);
      media.addEventListener('change', listener);
      return () => media.removeEventListener('change', listener);
    },
    () => window.matchMedia(NARROW).matches,
  );
}
