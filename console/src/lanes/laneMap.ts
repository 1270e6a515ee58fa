/** The lane map: for each lane and service, which lane answers, and how many instances it has. */
import type { Lane, LaneGroup } from '../api/kinds';
import { baseline, contained, lanesOf, serviceBaseline, servicesOf } from './lanes';
import * as references from './references';

export interface Count {
  ready: number;
  total: number;
}

/**
 * `own`: the lane's own instances answer. `fallback`: those of `lane` do. `nowhere`: nobody does,
 * and requests get 503. `own` counts the lane's own instances, if the lane contains the service.
 */
export interface Cell {
  service: string;
  answers: 'own' | 'fallback' | 'nowhere';
  lane: string;
  own: Count | null;
  count: Count | null;
}

export interface Row {
  lane: Lane;
  isBaseline: boolean;
  cells: Cell[];
}

export function laneMap(group: LaneGroup, all: readonly Lane[]): Row[] {
  const lanes = lanesOf(group, all);
  const byName = new Map(lanes.map((lane) => [lane.metadata.name, lane]));
  const base = baseline(group, all);
  return lanes.map((lane) => ({
    lane,
    isBaseline: lane.metadata.name === base,
    cells: servicesOf(group).map((service) => cell(lane, service, group, byName, base)),
  }));
}

function cell(
  lane: Lane,
  service: string,
  group: LaneGroup,
  lanes: ReadonlyMap<string, Lane>,
  base: string | undefined,
): Cell {
  const own = contained(lane, group).includes(service) ? count(lane, service) : null;
  const name = lane.metadata.name;
  const chain = answering(lane, service, group, lanes, base);
  // Until the server has counted, a lane that contains the service is taken to answer.
  const serves = chain.find((each) => count(each, service)?.ready !== 0);
  if (serves === undefined) {
    return { service, answers: 'nowhere', lane: '', own, count: null };
  }
  const answers = serves.metadata.name === name ? 'own' : 'fallback';
  return { service, answers, lane: serves.metadata.name, own, count: count(serves, service) };
}

/** The lanes that are tried for a service, in order: the lane, its fallback lanes, the baseline. */
function answering(
  lane: Lane,
  service: string,
  group: LaneGroup,
  lanes: ReadonlyMap<string, Lane>,
  base: string | undefined,
): Lane[] {
  const strict = (lane.spec.mode ?? group.spec.mode) === 'strict';
  const names = strict
    ? [lane.metadata.name]
    : [lane.metadata.name, ...(lane.spec.fallback ?? []), serviceBaseline(group, service) ?? base];
  return [...new Set(names)]
    .map((name) => (name === undefined ? undefined : lanes.get(name)))
    .filter((each): each is Lane => each !== undefined && contained(each, group).includes(service));
}

/** null where the server has not counted yet. */
function count(lane: Lane, service: string): Count | null {
  const found = lane.status?.services?.find((each) => references.of(each) === service);
  return found === undefined ? null : { ready: found.ready, total: found.total };
}
