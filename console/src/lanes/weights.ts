/** Shares of the requests that name no lane. They sum to 100: the baseline has the rest. */
import type { Lane, LaneGroup } from '../api/kinds';
import { baseline, lanesOf } from './lanes';

/** By lane, in percent, without the baseline. */
export type Weights = Readonly<Record<string, number>>;

export const WHOLE = 100;

/** The lanes that can have a weight: those that are enabled, and not the baseline. */
export function weighted(group: LaneGroup, lanes: readonly Lane[]): Lane[] {
  const base = baseline(group, lanes);
  return lanesOf(group, lanes).filter(
    ({ metadata, spec }) => metadata.name !== base && spec.enabled !== false,
  );
}

export function weightsOf(lanes: readonly Lane[]): Weights {
  return Object.fromEntries(lanes.map(({ metadata, spec }) => [metadata.name, spec.weight ?? 0]));
}

/** The baseline's share. */
export function rest(weights: Weights): number {
  return WHOLE - sum(Object.values(weights));
}

/**
 * The weights after a lane's slider was moved. It takes from the baseline, and where that has
 * nothing left, from the other lanes in proportion to what they have.
 */
export function moved(weights: Weights, lane: string, value: number): Weights {
  const wanted = Math.max(0, Math.min(WHOLE, Math.round(value)));
  const others = Object.entries(weights).filter(([name]) => name !== lane);
  const left = shrunk(others, WHOLE - wanted);
  return Object.fromEntries(
    Object.keys(weights).map((name) => [name, name === lane ? wanted : (left.get(name) ?? 0)]),
  );
}

/** In proportion, so that they sum to at most `most`; what rounding loses goes to the largest remainders. */
function shrunk(weights: readonly [string, number][], most: number): Map<string, number> {
  const total = sum(weights.map(([, value]) => value));
  if (total <= most) return new Map(weights);
  const exact = weights.map(([name, value]) => [name, (value * most) / total] as const);
  const result = new Map(exact.map(([name, value]) => [name, Math.floor(value)]));
  const lacking = most - sum([...result.values()]);
  [...exact]
    .sort(([, one], [, other]) => (other % 1) - (one % 1))
    .slice(0, lacking)
    .forEach(([name]) => result.set(name, (result.get(name) ?? 0) + 1));
  return result;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
