/** The form of a lane's ingress rules (引流规则), and the lane that it describes. */
import type { IngressRule, Lane, TextMatch, WrittenRule } from '../api/kinds';
import * as references from './references';

export type MatchKind = 'exact' | 'prefix' | 'regex';

export interface MatchValues {
  kind: MatchKind;
  text: string;
}

export interface NamedMatch extends MatchValues {
  name: string;
}

export interface RuleValues {
  name: string;
  /** The entry service. */
  service: string;
  hosts: string[];
  /** null is any path. */
  uri: MatchValues | null;
  headers: NamedMatch[];
  query: NamedMatch[];
  methods: string[];
  online: boolean;
  /** What the form does not show of a rule that was there. */
  before: WrittenRule | null;
}

export function newRule(service: string, name: string): RuleValues {
  const uri: MatchValues = { kind: 'exact', text: '' };
  const conditions = { headers: [], query: [], methods: [] };
  return { name, service, hosts: ['*'], uri, ...conditions, online: true, before: null };
}

export function ruleValues(lane: Lane): RuleValues[] {
  return (lane.spec.ingress ?? []).map((rule) => ({
    name: rule.name,
    service: entryService(rule),
    hosts: rule.hosts,
    uri: rule.uri === undefined ? null : matchValues(rule.uri),
    headers: named(rule.headers),
    query: named(rule.query),
    methods: rule.methods ?? [],
    online: rule.online,
    before: rule,
  }));
}

function entryService({ destination }: IngressRule): string {
  const { service } = Object(destination) as { service?: unknown };
  return references.read(service ?? destination);
}

function matchValues(match: TextMatch): MatchValues {
  const [kind = 'exact', text = ''] = Object.entries(match)[0] ?? [];
  return { kind: kind as MatchKind, text };
}

function named(matches: Record<string, TextMatch> | undefined): NamedMatch[] {
  return Object.entries(matches ?? {}).map(([name, match]) => ({ name, ...matchValues(match) }));
}

/** The lane with these rules instead of its own; without any, the group's rules are its own. */
export function withRules(lane: Lane, rules: readonly RuleValues[]): Lane {
  const { ingress, ...rest } = lane.spec;
  void ingress;
  const written = rules.map(rule) as IngressRule[];
  return { ...lane, spec: written.length === 0 ? rest : { ...rest, ingress: written } };
}

function rule(values: RuleValues): WrittenRule {
  const { uri, headers, query, methods, destination, ...rest } = values.before ?? { name: '' };
  void [uri, headers, query, methods];
  const given = values.headers.filter(({ name }) => name.trim());
  const asked = values.query.filter(({ name }) => name.trim());
  return {
    ...rest,
    name: values.name.trim(),
    hosts: values.hosts,
    ...(values.uri === null ? {} : { uri: match(values.uri) }),
    ...(given.length > 0 ? { headers: matches(given) } : {}),
    ...(values.methods.length > 0 ? { methods: values.methods } : {}),
    ...(asked.length > 0 ? { query: matches(asked) } : {}),
    destination: entry(destination, values.service),
    online: values.online,
  };
}

/** A port that the destination names stays as long as the service does. */
function entry(before: unknown, service: string): { service: unknown; port?: unknown } {
  const { port } = Object(before) as { port?: unknown };
  const same = entryService({ destination: before } as IngressRule) === service;
  return { service: references.write(service), ...(same && port !== undefined ? { port } : {}) };
}

function match({ kind, text }: MatchValues): TextMatch {
  return { [kind]: text };
}

function matches(given: readonly NamedMatch[]): Record<string, TextMatch> {
  return Object.fromEntries(given.map((each) => [each.name.trim(), match(each)]));
}
