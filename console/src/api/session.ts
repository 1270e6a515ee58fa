/**
 * The token by which the console asks. It is kept for the tab, and sent as a header: a cookie would
 * go to every port of the machine, and so to the gateways and workloads that laneway runs there.
 */
const KEY = 'laneway.token';
/** Whether the token was made for this session alone, and is worth nothing after it. */
const OWN = 'laneway.token.own';

type Listener = () => void;

const listeners = new Set<Listener>();

export function token(): string | null {
  return sessionStorage.getItem(KEY);
}

/** `own`: the token was made for this session alone. */
export function begin(text: string, own = false): void {
  sessionStorage.setItem(KEY, text);
  if (own) sessionStorage.setItem(OWN, 'true');
  else sessionStorage.removeItem(OWN);
  listeners.forEach((each) => each());
}

export function isOwn(): boolean {
  return sessionStorage.getItem(OWN) !== null;
}

export function end(): void {
  sessionStorage.removeItem(KEY);
  sessionStorage.removeItem(OWN);
  listeners.forEach((each) => each());
}

export function onChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
