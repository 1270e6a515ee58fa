/**
 * The keys of a grid: https://www.w3.org/WAI/ARIA/apg/patterns/grid/ (data grids).
 */

/** Rows and columns. */
export type Step = readonly [number, number];

const PAGE = 10;
const FAR = Infinity;

const STEPS: Record<string, Step> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  PageUp: [-PAGE, 0],
  PageDown: [PAGE, 0],
  Home: [0, -FAR],
  End: [0, FAR],
};

/** With Ctrl, or Cmd: to the first or the last cell of all. */
const WITH_CONTROL: Record<string, Step> = { Home: [-FAR, -FAR], End: [FAR, FAR] };

interface Pressed {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/** Where the key leads; null where it is not the grid's, but the browser's. */
export function stepOf({ key, ctrlKey, metaKey, altKey, shiftKey }: Pressed): Step | null {
  if (altKey || shiftKey) return null;
  return (ctrlKey || metaKey ? WITH_CONTROL : STEPS)[key] ?? null;
}
