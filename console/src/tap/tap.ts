/** Which requests are shown while one watches, and how many. */
import type { LoggedRequest } from '../api/requestLog';

/** Of each, "" takes all. */
export interface Filter {
  lane: string;
  service: string;
  /** `5xx`, `404`, or 0 for no answer. */
  status: string;
  path: string;
  /** `NAME: VALUE`, or `NAME` for any value. */
  header: string;
}

export const ALL: Filter = { lane: '', service: '', status: '', path: '', header: '' };
export const STATUSES = ['2xx', '3xx', '4xx', '5xx', '0'] as const;
/** So many are kept; older ones go. */
export const MOST = 200;
/** What is shown at first, of each proxy. */
const BEFORE = 20;

export interface Row extends LoggedRequest {
  metadata: { name: string };
}

export function toQuery(filter: Filter, first: boolean): string {
  const query = new URLSearchParams({ tailLines: String(first ? BEFORE : 0) });
  for (const [name, value] of Object.entries(filter)) {
    if (value.trim() !== '') query.set(name, value.trim());
  }
  return query.toString();
}

/** The newest first. Each proxy's log arrives by itself, so they are ordered by time. */
export function kept(rows: readonly Row[], arrived: readonly LoggedRequest[], count: number): Row[] {
  const fresh = arrived.map((each, index) => ({
    ...each,
    metadata: { name: String(count + index) },
  }));
  return [...rows, ...fresh]
    .sort((one, other) => (one.time < other.time ? 1 : one.time > other.time ? -1 : 0))
    .slice(0, MOST);
}

/** `mocka-v1` of `sidecar~mocka-v1.default`: who sent the request on. */
export function sender(proxy: string): string {
  const name = proxy.slice(proxy.indexOf('~') + 1);
  const dot = name.lastIndexOf('.');
  return dot < 0 ? name : name.slice(0, dot);
}

export function isError(status: number | null): boolean {
  return status === null || status === 0 || status >= 500;
}
