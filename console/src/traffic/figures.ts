/** Figures of lanes, from what proxies have counted at several times. */
import type { Latency, LaneTraffic } from '../api/traffic';

export interface Sample {
  /** In milliseconds. */
  at: number;
  lanes: readonly LaneTraffic[];
}

/** Why another lane served than the one that a request named; "" if the lane itself did. */
export type Cause = '' | 'NoSuchLane' | 'NoHealthyInstance';

export interface Served {
  lane: string;
  requests: number;
  cause: Cause;
}

/** Requests of one lane to one service; null is what the server does not count. */
export interface Figures {
  service: string;
  lane: string;
  requests: number;
  errors: number | null;
  perSecond: number;
  errorsPerSecond: number;
  /** Per second, of the requests that another lane served. */
  fallbacksPerSecond: number;
  served: Served[];
  latency: Latency | null;
}

/** A lane that the service does not have. */
export const ABSENT = '?';

export function key(lane: string, service: string): string {
  return `${lane} ${service}`;
}

/** By `key`; `samples` in the order of time. Rates are those between the first and the last. */
export function figures(samples: readonly Sample[]): ReadonlyMap<string, Figures> {
  const last = samples.at(-1);
  const first = samples[0];
  const found = new Map<string, Figures>();
  if (last === undefined || first === undefined) return found;
  const seconds = (last.at - first.at) / 1000;
  const before = new Map(first.lanes.map((each) => [place(each), each]));
  for (const each of last.lanes) {
    const at = key(each.lane, each.service);
    const sum = found.get(at) ?? none(each);
    const was = before.get(place(each));
    const requests = rate(each.requests, was?.requests, seconds);
    const fallback = each.servedLane !== '' && each.servedLane !== each.lane;
    found.set(at, {
      ...sum,
      requests: sum.requests + each.requests,
      errors: each.errors === undefined ? sum.errors : (sum.errors ?? 0) + each.errors,
      perSecond: sum.perSecond + requests,
      errorsPerSecond: sum.errorsPerSecond + rate(each.errors, was?.errors, seconds),
      fallbacksPerSecond: sum.fallbacksPerSecond + (fallback ? requests : 0),
      served: [
        ...sum.served,
        { lane: each.servedLane, requests: each.requests, cause: cause(each) },
      ],
      latency: slower(sum.latency, each.latencyMilliseconds),
    });
  }
  return found;
}

function place({ service, lane, servedLane }: LaneTraffic): string {
  return `${lane} ${servedLane} ${service}`;
}

function none({ service, lane }: LaneTraffic): Figures {
  const rates = { perSecond: 0, errorsPerSecond: 0, fallbacksPerSecond: 0 };
  return { service, lane, requests: 0, errors: null, ...rates, served: [], latency: null };
}

/** A proxy that was replaced counts from the beginning, which is no traffic below zero. */
function rate(now = 0, before = 0, seconds: number): number {
  return seconds > 0 ? Math.max(0, now - before) / seconds : 0;
}

/** As the server says, or as the lanes tell. */
function cause({ lane, servedLane, cause: told }: LaneTraffic): Cause {
  if (told !== undefined) return told as Cause;
  if (lane === servedLane) return '';
  return lane === ABSENT ? 'NoSuchLane' : 'NoHealthyInstance';
}

/** Percentiles of several figures cannot be added up: the slowest are an upper bound. */
function slower(one: Latency | null, other: Latency | undefined): Latency | null {
  if (other === undefined) return one;
  if (one === null) return other;
  return { p50: most(one.p50, other.p50), p90: most(one.p90, other.p90), p99: most(one.p99, other.p99) };
}

function most(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}

export interface Totals {
  requests: number;
  fallbacks: number;
  errors: number | null;
  perSecond: number;
  fallbacksPerSecond: number;
}

const NO_RATES = { perSecond: 0, fallbacksPerSecond: 0 };

export function totals(all: Iterable<Figures>): Totals {
  const sum: Totals = { requests: 0, fallbacks: 0, errors: null, ...NO_RATES };
  for (const each of all) {
    sum.requests += each.requests;
    sum.perSecond += each.perSecond;
    sum.fallbacksPerSecond += each.fallbacksPerSecond;
    if (each.errors !== null) sum.errors = (sum.errors ?? 0) + each.errors;
    for (const { cause: why, lane, requests } of each.served) {
      if (why !== '' && lane !== '') sum.fallbacks += requests;
    }
  }
  return sum;
}

/** The samples after another: none that is older than the window, but for one to compare with. */
export function kept(samples: readonly Sample[], next: Sample, window: number): Sample[] {
  const recent = samples.filter(({ at }) => next.at - at <= window);
  const older = recent.length === 0 ? samples.slice(-1) : recent;
  return [...older, next];
}
