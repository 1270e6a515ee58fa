/**
 * The token by which the console asks. It is kept for the tab, and sent as a header: a cookie would
 * go to every port of the machine, and so to the gateways and workloads that laneway runs there.
 */
const KEY = 'laneway.token';

type Listener = () => void;

const listeners = new Set<Listener>();

export function token(): string | null {
  return sessionStorage.getItem(KEY);
}

export function begin(text: string): void {
  sessionStorage.setItem(KEY, text);
  listeners.forEach((each) => each());
}

export function end(): void {
  sessionStorage.removeItem(KEY);
  listeners.forEach((each) => each());
}

export function onChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
