/** Which workloads are those of services and of lanes, by their labels. */
import type { Service, Workload } from '../api/kinds';
import { concerned } from './concerned';
import type { Label } from './lanes';
import * as references from './references';

/** The workloads of the services that `names` tells. */
export function workloadsOf(
  workloads: readonly Workload[],
  services: readonly Service[],
  names: readonly string[],
): Workload[] {
  const selected = services.filter(({ metadata }) => names.includes(references.of(metadata)));
  return workloads.filter((workload) => selected.some((service) => selects(service, workload)));
}

/** The service whose instances have the proxy; null for a gateway's. Without one, the proxy. */
export function serviceOfProxy(
  proxy: string,
  workloads: readonly Workload[],
  services: readonly Service[],
): string | null {
  const [owner] = concerned('', proxy);
  if (owner === undefined || owner.kind === 'Gateway') return null;
  const workload = workloads.find(({ metadata }) => references.of(metadata) === owner.name);
  const found = services.find((each) => workload !== undefined && selects(each, workload));
  return found === undefined ? owner.name : references.of(found.metadata);
}

function selects({ metadata, spec }: Service, workload: Workload): boolean {
  const selector = Object.entries(spec?.selector ?? {});
  const same = (metadata.namespace ?? 'default') === (workload.metadata.namespace ?? 'default');
  return same && selector.length > 0 && selector.every(([name, value]) => has(workload, name, value));
}

/** The workloads that have all of the labels. */
export function matching(workloads: readonly Workload[], labels: readonly Label[]): Workload[] {
  const stated = labels.filter(({ name }) => name.trim());
  return workloads.filter((workload) =>
    stated.every(({ name, value }) => has(workload, name.trim(), value.trim())),
  );
}

function has({ metadata }: Workload, name: string, value: unknown): boolean {
  return metadata.labels?.[name] === value;
}
