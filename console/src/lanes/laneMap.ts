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

export function isSameCell(one: Cell, other: Cell): boolean {
  return (
    one === other ||
    (one.service === other.service &&
      one.answers === other.answers &&
      one.lane === other.lane &&
      isSameCount(one.own, other.own) &&
      isSameCount(one.count, other.count))
  );
}

function isSameCount(one: Count | null, other: Count | null): boolean {
  return one?.ready === other?.ready && one?.total === other?.total;
}

/** What is looked up for each cell of a lane, of which a large map has thousands. */
interface Facts {
  lane: Lane;
  contains: ReadonlySet<string>;
  counts: ReadonlyMap<string, Count>;
}

/** A row, and all that it was made of: while that stays, so does the row. */
interface Made {
  group: LaneGroup;
  isBaseline: boolean;
  sources: readonly (Lane | undefined)[];
  row: Row;
}

/** `made` are the rows of before, by lane, and become those of now: most lanes do not change. */
export function laneMap(
  group: LaneGroup,
  all: readonly Lane[],
  made = new Map<string, Made>(),
): Row[] {
  const lanes = lanesOf(group, all).map((lane) => facts(lane, group));
  const byName = new Map(lanes.map((each) => [each.lane.metadata.name, each]));
  const base = baseline(group, all);
  const services = servicesOf(group);
  const ofService = new Map(services.map((each) => [each, serviceBaseline(group, each) ?? base]));
  const bases = [...new Set(ofService.values())].map((name) => byName.get(name ?? '')?.lane);
  const rows = lanes.map((each) => {
    const { name } = each.lane.metadata;
    const fallback = (each.lane.spec.fallback ?? []).map((other) => byName.get(other)?.lane);
    const sources = [each.lane, ...fallback, ...bases];
    const isBaseline = name === base;
    const before = made.get(name);
    if (
      before?.group === group &&
      before.isBaseline === isBaseline &&
      before.sources.length === sources.length &&
      before.sources.every((source, index) => source === sources[index])
    ) {
      return before;
    }
    const cells = services.map((service) =>
      cell(each, service, chain(each, group, ofService.get(service))),
    );
    return { group, isBaseline, sources, row: { lane: each.lane, isBaseline, cells } };
  });
  made.clear();
  rows.forEach((each) => made.set(each.row.lane.metadata.name, each));
  return rows.map(({ row }) => row);

  function chain(each: Facts, { spec }: LaneGroup, last: string | undefined): Facts[] {
    const { metadata, spec: own } = each.lane;
    const strict = (own.mode ?? spec.mode) === 'strict';
    const names = strict ? [metadata.name] : [metadata.name, ...(own.fallback ?? []), last];
    const found = names.map((name) => (name === undefined ? undefined : byName.get(name)));
    return found.filter((other) => other !== undefined);
  }
}

function facts(lane: Lane, group: LaneGroup): Facts {
  const counted = lane.status?.services ?? [];
  return {
    lane,
    contains: new Set(contained(lane, group)),
    counts: new Map(
      counted.map((each) => [references.of(each), { ready: each.ready, total: each.total }]),
    ),
  };
}

/** `chain` are the lanes that are tried, in order: the lane, its fallback lanes, the baseline. */
function cell(each: Facts, service: string, chain: readonly Facts[]): Cell {
  // null where the server has not counted yet.
  const count = ({ counts }: Facts): Count | null => counts.get(service) ?? null;
  const own = each.contains.has(service) ? count(each) : null;
  // Until then, a lane that contains the service is taken to answer.
  const serves = chain.find(
    (other) => other.contains.has(service) && count(other)?.ready !== 0,
  );
  if (serves === undefined) return { service, answers: 'nowhere', lane: '', own, count: null };
  const answers = serves === each ? 'own' : 'fallback';
  return { service, answers, lane: serves.lane.metadata.name, own, count: count(serves) };
}
