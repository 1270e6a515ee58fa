/** What lanes mean: their order, their services and the baseline. */
import type { Condition, Lane, LaneGroup, Workload } from '../api/kinds';
import * as references from './references';

export function servicesOf(group: LaneGroup): string[] {
  return group.spec.services.map(references.read);
}

/** The services that a lane contains; without a list of its own, all of the group's. */
export function contained(lane: Lane, group: LaneGroup): string[] {
  return lane.spec.services?.map(references.read) ?? servicesOf(group);
}

/** A group's lanes: by `order`, and those of the same order as they were created. */
export function lanesOf(group: LaneGroup, lanes: readonly Lane[]): Lane[] {
  return lanes
    .filter((lane) => lane.spec.group === group.metadata.name)
    .sort((one, other) => (one.spec.order ?? 0) - (other.spec.order ?? 0));
}

/** The lane that answers for others: as the group says, as it was recorded, else its first one. */
export function baseline(group: LaneGroup, lanes: readonly Lane[]): string | undefined {
  return group.spec.baseline ?? group.status?.baseline ?? lanesOf(group, lanes)[0]?.metadata.name;
}

/** The lane that answers for a single service, where the group says so. */
export function serviceBaseline(group: LaneGroup, service: string): string | undefined {
  const entries = Object.entries(group.spec.serviceBaselines ?? {});
  return entries.find(([name]) => references.read(name) === service)?.[1] as string | undefined;
}

/** Whether the lane is the baseline of all of its services already. */
export function isPromoted(lane: Lane, group: LaneGroup): boolean {
  const services = contained(lane, group);
  return services.every((each) => serviceBaseline(group, each) === lane.metadata.name);
}

/** When the lane ends, as people write it; null if it does not. */
export function expiry(
  lane: Lane,
  now: Date,
  language: string,
): { text: string; past: boolean } | null {
  const { expiresAt } = lane.spec;
  if (expiresAt === undefined) return null;
  const at = new Date(expiresAt);
  const format = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
  return { text: format.format(at), past: at <= now };
}

export function condition(object: Lane | LaneGroup, type: string): Condition | undefined {
  const found = (object.status?.conditions ?? []) as Condition[];
  return found.find((each) => each.type === type);
}

/** Whether what is reported is about the object as it was written last. */
export function isCurrent(object: Lane | LaneGroup): boolean {
  const { generation } = object.metadata;
  const observed = object.status?.observedGeneration;
  return observed !== undefined && (generation === undefined || observed >= generation);
}

export type State = 'ready' | 'progressing' | 'degraded' | 'invalid';

/** An object's conditions in one word. */
export function state(object: Lane | LaneGroup): State {
  if (!isCurrent(object)) return 'progressing';
  if (condition(object, 'Accepted')?.status === 'False') return 'invalid';
  if (condition(object, 'Programmed')?.status !== 'True') return 'degraded';
  return condition(object, 'Ready')?.status === 'True' ? 'ready' : 'degraded';
}

/** The conditions that do not hold and say more than others: what is wrong, what would be right. */
export function troubles(object: Lane | LaneGroup): Condition[] {
  return ((object.status?.conditions ?? []) as Condition[]).filter(
    ({ status, message }) => status !== 'True' && message !== '',
  );
}

export interface Label {
  name: string;
  value: string;
}

/** The names of labels that workloads have, those with several values first: they tell versions. */
export function labelNames(workloads: readonly Workload[]): string[] {
  const values = new Map<string, Set<string>>();
  for (const { metadata } of workloads) {
    for (const [name, value] of Object.entries(metadata.labels ?? {})) {
      values.set(name, (values.get(name) ?? new Set()).add(value));
    }
  }
  return [...values.keys()].sort(
    (one, other) =>
      (values.get(other)?.size ?? 0) - (values.get(one)?.size ?? 0) || one.localeCompare(other),
  );
}

export function labelValues(workloads: readonly Workload[], name: string): string[] {
  const found = workloads.map(({ metadata }) => metadata.labels?.[name]);
  return [...new Set(found.filter((value) => value !== undefined))].sort();
}

/** The group's baselines of services once the lane is promoted. */
export function promoted(lane: Lane, group: LaneGroup): Record<string, string> {
  const { serviceBaselines = {} } = group.spec;
  const its = contained(lane, group).map((service) => [service, lane.metadata.name]);
  return { ...(serviceBaselines as Record<string, string>), ...Object.fromEntries(its) };
}
