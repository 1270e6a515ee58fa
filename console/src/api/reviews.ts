/**
 * The kinds that the API answers and does not keep: what a change would do, and changes of many
 * objects at once.
 */
import { V1, type Kind, type Written } from './kinds';
import { OWN, send } from './requests';

/** A kind of requests that takes another way, with one of them as an example. */
export interface ChangedPath {
  gateway: string;
  port: number;
  request: { method: string; host: string; path: string; headers: Record<string, string> };
  curl: string;
  before: string;
  after: string;
  /** How many of such requests change, where weights choose a lane. */
  percentage: number;
}

export interface Change {
  change: 'added' | 'changed' | 'removed';
  kind: string;
  name: string;
  fields: string[];
}

/** What a change did, or with a dry run what it would do. */
export interface Changes {
  /** null if nothing changed. */
  revision: string | null;
  changes: Change[];
  /** Missing where nothing changes at the first service, and calls behind it are not known. */
  changedPaths?: ChangedPath[];
  /** The API lists at most 100 of them. */
  changedPathsTotal?: number;
  warnings: string[];
}

/** A part of an object that is to be merged into what stands. */
export interface Proposed {
  kind: Kind;
  name: string;
  spec: object;
}

/** Creates an object of a kind that is answered at once. */
export async function answered<T>(
  plural: string,
  kind: string,
  spec: object,
  query = '',
): Promise<T & { warnings: string[] }> {
  const body = { apiVersion: 'api.laneway.dev/v1alpha1', kind, spec };
  const { document, headers } = await send('POST', `${OWN}/${plural}${query}`, body);
  const { status } = document as { status: T };
  return { ...status, warnings: warnings(headers.get('Warning') ?? '') };
}

/** The texts of `Warning` headers (RFC 9111, 5.5), which laneway writes in ASCII. */
export function warnings(header: string): string[] {
  return [...header.matchAll(/\b299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, quoted = '']) =>
    quoted
      .replace(/\\(["\\])/g, '$1')
      .replace(/\\u([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16))),
  );
}

/** A field manager that never applies anything, so that nothing of its own would be removed. */
const PREVIEW = 'laneway-console-preview';
const DRY_RUN = '?dryRun=All';

function objects(proposed: readonly Proposed[]): object[] {
  return proposed.map(({ kind, name, spec }) => ({
    apiVersion: V1,
    kind,
    metadata: { name },
    spec,
  }));
}

function references(deleted: readonly Written[]): object[] {
  return deleted.map(({ kind, metadata: { name } }) => ({ apiVersion: V1, kind, name }));
}

export function preview(
  proposed: readonly Proposed[],
  deleted: readonly Written[] = [],
): Promise<Changes> {
  const deletions = references(deleted);
  const spec = { source: PREVIEW, force: true, objects: objects(proposed), deletions };
  return answered('previews', 'Preview', spec);
}

/** Writes all of them, or none. `source` always applies the same fields of the same objects. */
export function change(
  source: string,
  message: string,
  proposed: readonly Proposed[],
  deleted: readonly Written[] = [],
): Promise<Changes> {
  const deletions = references(deleted);
  const spec = { source, message, force: true, objects: objects(proposed), deletions };
  return answered('changesets', 'ChangeSet', spec);
}

export function promote(
  group: string,
  lane: string,
  { dryRun = false, force = false } = {},
): Promise<Changes> {
  const spec = { group, lane, force };
  return answered('promotions', 'Promotion', spec, dryRun ? DRY_RUN : '');
}

export function rollBack(revision: number, { dryRun = false } = {}): Promise<Changes> {
  return answered('rollbacks', 'Rollback', { revision }, dryRun ? DRY_RUN : '');
}
