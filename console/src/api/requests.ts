/** Requests to the API, and its refusals as findings that belong to fields. */
import { whenReleased } from '../presses';
import type { Written } from './kinds';
import * as session from './session';

/** What is wrong with an object, or doubtful. `field` is a path such as `spec.services[1].name`. */
export interface Finding {
  field: string;
  message: string;
  /** The code of a finding, or another reason of Kubernetes' `Status`; "" where none was given. */
  reason: string;
}

export interface Identity {
  name: string;
  scopes: string[];
  /** Only in a cluster: the resources that the user may edit. */
  edits?: string[];
  /** Only in a cluster: the resources of `api.laneway.dev` that are there for the user. */
  serves?: string[];
}

/** The API said no. `findings` are empty where it is not about single fields. */
export class Refused extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly findings: Finding[] = [],
    readonly reason = '',
  ) {
    super(message);
  }
}

/** Nobody answered. */
export class Unreachable extends Error {}

const MANAGER = 'fieldManager=laneway-console&fieldValidation=Strict';
const LANEWAY = '/apis/laneway.dev/v1alpha1';
export const OWN = '/apis/api.laneway.dev/v1alpha1';
const PLURALS = { LaneGroup: 'lanegroups', Lane: 'lanes' } as const;

export const STREAM =
  `${OWN}/events?` +
  [
    'lanegroups.laneway.dev',
    'lanes.laneway.dev',
    'services',
    'workloads.laneway.dev',
    'gateways.networking.istio.io',
  ]
    .map((resource) => `resource=${resource}`)
    .join('&');

export function headers(token = session.token()): Record<string, string> {
  return token === null ? {} : { Authorization: `Bearer ${token}` };
}

export async function ask(
  method: string,
  path: string,
  body?: unknown,
  type?: string,
): Promise<unknown> {
  return (await send(method, path, body, type)).document;
}

export interface Answered {
  document: unknown;
  headers: Headers;
}

/**
 * The answer, unless it is a refusal: throws `Refused` and `Unreachable`. Both wait while a pointer
 * is pressed, since pages show them.
 */
export async function send(
  method: string,
  path: string,
  body?: unknown,
  type = 'application/json',
): Promise<Answered> {
  try {
    return await exchange(method, path, body, type);
  } finally {
    await whenReleased();
  }
}

async function exchange(
  method: string,
  path: string,
  body: unknown,
  type: string,
): Promise<Answered> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers: { ...headers(), ...(body === undefined ? {} : { 'Content-Type': type }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      cache: 'no-store',
    });
  } catch (error) {
    throw new Unreachable(String(error));
  }
  if (answer.status === 401 && path !== SIGN_IN) session.end();
  if (!answer.ok) throw refused(answer.status, await answer.text());
  return { document: await answer.json(), headers: answer.headers };
}

/** Reads Kubernetes' `Status`; whatever else answers is quoted as it is. */
export function refused(code: number, text: string): Refused {
  try {
    const status = JSON.parse(text) as {
      message: string;
      reason?: string;
      details?: { causes?: { field?: string; message: string; reason?: string }[] };
    };
    const causes = status.details?.causes ?? [];
    return new Refused(
      code,
      status.message,
      causes.map(({ field = '', message, reason = '' }) => ({ field, message, reason })),
      status.reason,
    );
  } catch {
    return new Refused(code, text.slice(0, 500));
  }
}

const SIGN_IN = '/console/sign-in';
const SIGN_OUT = '/console/sign-out';

/** Exchanges the code of a link for a token of this tab's own. */
export async function signIn(code: string): Promise<void> {
  session.begin(((await ask('POST', SIGN_IN, { code })) as { token: string }).token, true);
}

/** A token that was made for this session is revoked; one that the user brought stays valid. */
export async function signOut(): Promise<void> {
  try {
    if (session.isOwn()) await ask('POST', SIGN_OUT);
  } catch {
    // Without a server nobody can use the token either; it expires after twelve hours.
  }
  session.end();
}

export async function identity(): Promise<Identity> {
  return ((await ask('GET', `${OWN}/identity`)) as { status: Identity }).status;
}

/** Whether the API knows the token. It is not the session's yet. */
export async function isValid(token: string): Promise<boolean> {
  try {
    const answer = await fetch(`${OWN}/identity`, { headers: headers(token), cache: 'no-store' });
    if (!answer.ok && answer.status !== 401) throw refused(answer.status, await answer.text());
    return answer.ok;
  } catch (error) {
    throw error instanceof Refused ? error : new Unreachable(String(error));
  }
}

function path(kind: Written['kind'], name = ''): string {
  const collection = `${LANEWAY}/${PLURALS[kind]}`;
  return name ? `${collection}/${encodeURIComponent(name)}` : collection;
}

/**
 * Creates the object, or replaces the one that it was made from. With `resourceVersion` the API
 * refuses (409) what was made from an outdated one.
 */
export async function write(object: Written, dryRun = false): Promise<void> {
  const query = dryRun ? `${MANAGER}&dryRun=All` : MANAGER;
  const { kind, metadata } = object;
  const { declaredBy, ...sent } = object;
  void declaredBy;
  if (metadata.resourceVersion === undefined) await ask('POST', `${path(kind)}?${query}`, sent);
  else await ask('PUT', `${path(kind, metadata.name)}?${query}`, sent);
}

export async function remove(object: Written): Promise<void> {
  await ask('DELETE', path(object.kind, object.metadata.name));
}

/** Merges `spec` into the object's (RFC 7386). */
export async function merge(kind: Written['kind'], name: string, spec: object): Promise<void> {
  const type = 'application/merge-patch+json';
  await ask('PATCH', `${path(kind, name)}?${MANAGER}`, { spec }, type);
}

/** Applies a JSON patch (RFC 6902). */
export async function patch(
  kind: Written['kind'],
  name: string,
  steps: readonly object[],
): Promise<void> {
  await ask('PATCH', `${path(kind, name)}?${MANAGER}`, steps, 'application/json-patch+json');
}
