/** The form of a lane, and the object that it describes. */
import { V1, type Lane, type LaneGroup } from '../api/kinds';
import { contained, type Label } from './lanes';
import * as references from './references';

export interface LaneValues {
  name: string;
  labels: Label[];
  services: string[];
  enabled: boolean;
  owner: string;
  /** The local time as `2026-12-31T18:00`; "" is never. */
  expires: string;
}

export function emptyLane(group: LaneGroup, others: readonly Lane[]): LaneValues {
  const label = Object.keys(others[0]?.spec.selector ?? {})[0] ?? '';
  const services = others.length === 0 ? group.spec.services.map(references.read) : [];
  const labels = [{ name: label, value: '' }];
  return { name: '', labels, services, enabled: true, owner: '', expires: '' };
}

export function laneValues(lane: Lane, group: LaneGroup): LaneValues {
  const labels = Object.entries(lane.spec.selector ?? {});
  return {
    name: lane.metadata.name,
    labels: labels.map(([name, value]) => ({ name, value: value as string })),
    services: contained(lane, group),
    enabled: lane.spec.enabled ?? true,
    owner: lane.spec.owner ?? '',
    expires: lane.spec.expiresAt === undefined ? '' : localTime(new Date(lane.spec.expiresAt)),
  };
}

/** As `<input type="datetime-local">` has it. */
export function localTime(time: Date): string {
  const shifted = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 'yyyy-mm-ddThh:mm'.length);
}

/** What the form says of `before`, whose other fields stay, or of a new lane of the group. */
export function laneManifest(values: LaneValues, group: LaneGroup, before?: Lane): Lane {
  const labels = values.labels.filter(({ name, value }) => name.trim() || value.trim());
  const selector = Object.fromEntries(labels.map((each) => [each.name.trim(), each.value.trim()]));
  const { services, owner, expiresAt, ...rest } = before?.spec ?? {};
  void owner;
  // A lane without a list has all services, also those that its group gets later.
  const all = before !== undefined && services === undefined && hasAll(values, group);
  return {
    apiVersion: V1,
    kind: 'Lane',
    metadata: before?.metadata ?? { name: values.name.trim() },
    spec: {
      ...rest,
      group: group.metadata.name,
      selector,
      ...(all ? {} : { services: values.services.map(references.write) }),
      enabled: values.enabled,
      ...(values.owner.trim() ? { owner: values.owner.trim() } : {}),
      ...expiry(values.expires, expiresAt),
    },
  };
}

/** The time as it was written stays, down to its seconds and zone, where the form shows the same. */
function expiry(expires: string, before: string | undefined): { expiresAt?: string } {
  if (expires === '') return {};
  if (before !== undefined && localTime(new Date(before)) === expires) return { expiresAt: before };
  return { expiresAt: new Date(expires).toISOString().replace(/\.\d+/, '') };
}

function hasAll(values: LaneValues, group: LaneGroup): boolean {
  return group.spec.services.every((each) => values.services.includes(references.read(each)));
}
