/** What the API reads from the running mesh and from its history. */
import { ask, OWN } from './requests';
import { answered } from './reviews';

export interface FieldChange {
  field: string;
  /** null where there was, or is, nothing. */
  before: unknown;
  after: unknown;
}

export interface ObjectChange {
  operation: 'created' | 'changed' | 'deleted';
  resource: string;
  namespace?: string;
  name: string;
  /** Only where one revision is read. */
  fields?: FieldChange[];
}

export interface Revision {
  metadata: { name: string; creationTimestamp: string };
  spec: { author: string; source: string; message: string };
  status: { summary: string; changes: ObjectChange[] };
}

interface List<T> {
  metadata: { continue?: string };
  items: T[];
}

/** `next` is what the next page follows; "" if there is none. */
export interface Page<T> {
  items: T[];
  next: string;
}

const PAGE = 50;

/** The newest first. */
export async function revisions(after = ''): Promise<Page<Revision>> {
  const query = `limit=${PAGE}${after ? `&continue=${encodeURIComponent(after)}` : ''}`;
  const list = (await ask('GET', `${OWN}/revisions?${query}`)) as List<Revision>;
  return { items: list.items, next: list.metadata.continue ?? '' };
}

export async function revision(number: string): Promise<Revision> {
  return (await ask('GET', `${OWN}/revisions/${encodeURIComponent(number)}`)) as Revision;
}

export interface Proxy {
  metadata: { name: string };
  spec: { node: string };
  status: {
    connected: boolean;
    synced: boolean;
    unacknowledged: { type: string; pending: string[]; rejected: string[] }[];
    lastRejection: { type: string; resource: string; message: string } | null;
  };
}

export async function proxies(): Promise<Proxy[]> {
  return ((await ask('GET', `${OWN}/proxies`)) as List<Proxy>).items;
}

/** As `laneway analyze --output json` has it. */
export interface Found {
  severity: 'error' | 'warning' | 'note';
  code: string;
  kind: string | null;
  name: string | null;
  field: string | null;
  message: string;
  fix: string | null;
  example: { curl: string; outcome: string; down: string[] } | null;
  /** A correction that leads no request elsewhere. Dialects have none. */
  patch: PatchStep[] | null;
}

/** Of a JSON patch (RFC 6902). */
export interface PatchStep {
  op: 'test' | 'remove';
  path: string;
  value: unknown;
}

export async function analysis(): Promise<Found[]> {
  return (await answered<{ findings: Found[] }>('analyses', 'Analysis', {})).findings;
}

export type Dialect = 'envoy' | 'istio' | 'asm' | 'gateway-api';

export interface Rendering {
  documents: object[];
  findings: Found[];
}

/** `revision` is null for what is declared now. */
export function rendering(dialect: Dialect, revision: number | null): Promise<Rendering> {
  const spec = revision === null ? { dialect } : { dialect, revision };
  return answered('renderings', 'Rendering', spec);
}
