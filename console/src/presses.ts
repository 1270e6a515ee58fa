/**
 * Whether a pointer is pressed. A click needs a press and a release on the same thing, so what
 * arrives by itself is shown only after the release: the page must not move in between.
 */

/** Milliseconds after a release within which browsers send the click: on touch screens not at once. */
const CLICK = 50;
/** A press that takes longer is none of a click: its end may never be told, as on scroll bars. */
const LONGEST = 10_000;

let pressed = false;
/** The click may still come. */
let isReleased = false;
let ending: ReturnType<typeof setTimeout> | undefined;
const waiting: (() => void)[] = [];
const listeners = new Set<() => void>();

export function isPressed(): boolean {
  return pressed;
}

/** Tells of each press and each release. Returns how to stop. */
export function onPress(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** At once, unless a pointer is pressed. */
export function whenReleased(): Promise<void> {
  return pressed ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve();
}

/** Listens to the pointers of a window. */
export function watchPresses(window: EventTarget): void {
  const listen = (names: string[], listener: (event: PointerEvent) => void): void =>
    names.forEach((name) => window.addEventListener(name, listener as EventListener, true));
  listen(['pointerdown'], (event) => {
    if (event.isPrimary && event.button === 0) press();
  });
  // A pointer that scrolls, drags or opens a menu is never released.
  listen(['pointerup', 'pointercancel', 'dragend', 'contextmenu'], release);
  // Only the window's own: while it is captured, each element that loses the focus would tell.
  window.addEventListener('blur', release);
  listen(['pointermove'], (event) => {
    if (event.buttons === 0) release();
  });
}

function press(): void {
  set(true);
  endAfter(LONGEST);
}

function release(): void {
  if (!pressed || isReleased) return;
  isReleased = true;
  endAfter(CLICK);
}

function endAfter(milliseconds: number): void {
  clearTimeout(ending);
  ending = setTimeout(() => {
    set(false);
    waiting.splice(0).forEach((show) => show());
  }, milliseconds);
}

function set(now: boolean): void {
  isReleased = false;
  if (pressed === now) return;
  pressed = now;
  listeners.forEach((each) => each());
}
