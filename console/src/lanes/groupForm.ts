/** The form of a lane group, and the object that it describes. */
import { V1, type GroupSpec, type LaneGroup } from '../api/kinds';
import * as references from './references';

/** `gateway` and `services` are `namespace/name`; `gateway` is "" without one. */
export interface GroupValues {
  name: string;
  gateway: string;
  mode: GroupSpec['mode'];
  traceHeader: string;
  /** The trace header is the route header, too. */
  traceIsRoute: boolean;
  routeHeader: string;
  services: string[];
}

export const emptyGroup: GroupValues = {
  name: '',
  gateway: '',
  mode: 'permissive',
  traceHeader: '',
  traceIsRoute: false,
  routeHeader: '',
  services: [],
};

export function groupValues({ metadata, spec }: LaneGroup): GroupValues {
  const traceHeader = spec.traceHeader ?? (spec.mode === 'permissive' ? spec.routeHeader : '');
  return {
    name: metadata.name,
    gateway: spec.gateway === undefined ? '' : references.read(spec.gateway),
    mode: spec.mode,
    traceHeader,
    traceIsRoute: spec.mode === 'permissive' && traceHeader === spec.routeHeader,
    routeHeader: spec.routeHeader,
    services: spec.services.map(references.read),
  };
}

/** What the form says of `before`, whose other fields stay, or of a new group. */
export function groupManifest(values: GroupValues, before?: LaneGroup): LaneGroup {
  const strict = values.mode === 'strict';
  const shared = values.traceIsRoute && !strict;
  const { gateway, traceHeader, ...rest } = before?.spec ?? ({} as Partial<GroupSpec>);
  void gateway;
  const trace = strict ? traceHeader : values.traceHeader.trim();
  return {
    apiVersion: V1,
    kind: 'LaneGroup',
    metadata: before?.metadata ?? { name: values.name.trim() },
    spec: {
      ...rest,
      ...(values.gateway === '' ? {} : { gateway: references.write(values.gateway) }),
      mode: values.mode,
      routeHeader: shared ? values.traceHeader.trim() : values.routeHeader.trim(),
      ...(trace ? { traceHeader: trace } : {}),
      services: values.services.map(references.write),
    },
  };
}
