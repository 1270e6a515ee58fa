/** The form of a request to be tried, which is also what a link to it holds. */
import type { Lane, LaneGroup } from '../api/kinds';
import type { TriedRequest } from '../api/trials';
import * as references from '../lanes/references';

export interface Header {
  name: string;
  value: string;
}

export interface TrialValues {
  /** `namespace/name`; "" is the only one. */
  gateway: string;
  host: string;
  path: string;
  method: string;
  /** `group/lane`; "" names none. */
  lane: string;
  headers: Header[];
  count: number;
}

export const MOST = 100;
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export const emptyTrial: TrialValues = {
  gateway: '',
  host: 'localhost',
  path: '/',
  method: 'GET',
  lane: '',
  headers: [],
  count: 10,
};

/** A request that enters the lane by its first rule, or the group's. */
export function ofLane(lane: Lane, group: LaneGroup): TrialValues {
  const [rule] = lane.spec.ingress ?? group.spec.ingress ?? [];
  const host = rule?.hosts?.find((each) => !each.includes('*')) ?? emptyTrial.host;
  const path = rule?.uri?.exact ?? rule?.uri?.prefix ?? emptyTrial.path;
  const gateway = group.spec.gateway === undefined ? '' : references.read(group.spec.gateway);
  return { ...emptyTrial, gateway, host, path, lane: `${group.metadata.name}/${lane.metadata.name}` };
}

export function toQuery(values: TrialValues): string {
  const { headers, count, ...texts } = values;
  const query = new URLSearchParams(Object.entries(texts).filter(([, text]) => text !== ''));
  query.set('count', String(count));
  for (const { name, value } of named(headers)) query.append('header', `${name}: ${value}`);
  return query.toString();
}

export function fromQuery(text: string): TrialValues {
  const query = new URLSearchParams(text);
  const of = (name: keyof TrialValues, otherwise: string): string => query.get(name) ?? otherwise;
  const method = of('method', emptyTrial.method);
  return {
    gateway: of('gateway', ''),
    host: of('host', emptyTrial.host),
    path: of('path', emptyTrial.path),
    method: METHODS.includes(method) ? method : emptyTrial.method,
    lane: of('lane', ''),
    headers: query.getAll('header').map(header),
    count: bounded(Number(query.get('count') ?? emptyTrial.count)),
  };
}

function header(text: string): Header {
  const [name = '', ...rest] = text.split(':');
  return { name: name.trim(), value: rest.join(':').trim() };
}

function bounded(count: number): number {
  return Number.isInteger(count) ? Math.max(1, Math.min(MOST, count)) : emptyTrial.count;
}

function named(headers: readonly Header[]): Header[] {
  return headers.filter(({ name }) => name.trim() !== '');
}

/** With the header that names the chosen lane. */
export function request(values: TrialValues, groups: readonly LaneGroup[]): TriedRequest {
  const [groupName = '', lane = ''] = values.lane.split('/');
  const group = groups.find(({ metadata }) => metadata.name === groupName);
  const own = named(values.headers).map(({ name, value }) => [name.trim(), value.trim()]);
  return {
    host: values.host.trim(),
    path: values.path.trim(),
    method: values.method,
    headers: {
      ...(Object.fromEntries(own) as Record<string, string>),
      ...(group === undefined ? {} : { [group.spec.routeHeader]: lane }),
    },
  };
}

/** The request as a command; `url` is where the gateway listens, "" where that is unknown. */
export function curl({ host, path, method, headers }: TriedRequest, url: string): string {
  const at = url === '' ? `http://${host}` : url;
  const sent = url === '' || host === new URL(url).host ? headers : { Host: host, ...headers };
  const words = [
    'curl',
    ...(method === 'GET' ? [] : method === 'HEAD' ? ['--head'] : ['-X', method]),
    ...Object.entries(sent).flatMap(([name, value]) => [
      '-H',
      // Without its value, curl would not send the header; with a semicolon, it sends it empty.
      quoted(value === '' ? `${name};` : `${name}: ${value}`),
    ]),
    quoted(at + path),
  ];
  return words.join(' ');
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
