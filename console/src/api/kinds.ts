/** The objects that the console reads and writes, as laneway's OpenAPI describes them. */
import type { components } from './schema';

type Schemas = components['schemas'];

/** The part of Kubernetes' ObjectMeta that the console looks at. */
export interface Metadata {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  creationTimestamp?: string;
  resourceVersion?: string;
  /** Counts the changes of the spec, but not those of the status. */
  generation?: number;
}

type Manifest<Kind, Spec> = {
  apiVersion: string;
  kind: Kind;
  metadata: Metadata;
  spec: Spec;
  /** `files`: it is changed there, and not by the API. */
  declaredBy?: 'files';
};

type GroupSchema = Schemas['dev.laneway.v1alpha1.LaneGroup'];
type LaneSchema = Schemas['dev.laneway.v1alpha1.Lane'];

type Stated = 'mode' | 'routeHeader' | 'services';
/** What the server fills in may be left out by who writes. */
export type GroupSpec = Partial<GroupSchema['spec']> & Pick<GroupSchema['spec'], Stated>;
export type LaneSpec = Partial<LaneSchema['spec']> & { group: string };
export type IngressRule = NonNullable<LaneSchema['spec']['ingress']>[number];
export type WrittenRule = Partial<IngressRule> & { name: string };
export type TextMatch = NonNullable<IngressRule['uri']>;

export type LaneGroup = Manifest<'LaneGroup', GroupSpec> & { status?: GroupSchema['status'] };
export type Lane = Manifest<'Lane', LaneSpec> & { status?: LaneSchema['status'] };
export type Service = Manifest<'Service', Schemas['io.k8s.api.core.v1.Service']['spec']>;
export type Gateway = Manifest<'Gateway', Schemas['io.istio.networking.v1beta1.Gateway']['spec']>;
export type Workload = Manifest<'Workload', Schemas['dev.laneway.v1alpha1.Workload']['spec']>;

export type AnyObject = LaneGroup | Lane | Service | Gateway | Workload;
export type Kind = AnyObject['kind'];

/** `LaneGroup` and `Lane`: what the console writes. */
export type Written = LaneGroup | Lane;

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
}

export const V1 = 'laneway.dev/v1alpha1';
