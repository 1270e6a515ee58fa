/**
 * Whether a pointer is pressed. A click needs a press and a release on the same thing, so what
 * arrives by itself is shown only after the release: the page must not move in between.
 */

/** Milliseconds after a release within which browsers send the click: on touch screens not at once. */
const CLICK = 50;

let pressed = false;
let releasing: ReturnType<typeof setTimeout> | undefined;
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
  clearTimeout(releasing);
  releasing = undefined;
  set(true);
}

function release(): void {
  if (!pressed || releasing !== undefined) return;
  releasing = setTimeout(() => {
    releasing = undefined;
    set(false);
    waiting.splice(0).forEach((show) => show());
  }, CLICK);
}

function set(now: boolean): void {
  if (pressed === now) return;
  pressed = now;
  listeners.forEach((each) => each());
}
