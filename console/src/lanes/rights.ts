/** What the user may do, and what this server answers at all, so that no button fails. */
import type { Identity } from '../api/requests';

/** Whether the API would let the user change this lane group; "" is any group. */
export function mayEditGroup({ scopes, edits }: Identity, group: string): boolean {
  return edits === undefined ? hasScope(scopes, group) : edits.includes('lanegroups');
}

/** Whether it would let the user change the lanes of this group. */
export function mayEditLanes({ scopes, edits }: Identity, group: string): boolean {
  return edits === undefined ? hasScope(scopes, group) : edits.includes('lanes');
}

function hasScope(scopes: readonly string[], group: string): boolean {
  if (scopes.includes('admin')) return true;
  return group === ''
    ? scopes.some((scope) => scope.startsWith('edit:'))
    : scopes.includes(`edit:${group}`);
}

/** A resource of `api.laneway.dev`. One machine has all of them, a cluster some. */
export type Served =
  | 'analyses'
  | 'changesets'
  | 'explanations'
  | 'previews'
  | 'processes'
  | 'promotions'
  | 'proxies'
  | 'renderings'
  | 'requesttrials'
  | 'revisions'
  | 'traffic';

export function isServed({ serves }: Identity, resource: Served): boolean {
  return serves === undefined || serves.includes(resource);
}
