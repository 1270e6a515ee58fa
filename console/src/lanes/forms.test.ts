import { describe, expect, it } from 'vitest';

import type { Lane, LaneGroup } from '../api/kinds';
import { at, elsewhere } from './findings';
import { emptyGroup, groupManifest, groupValues } from './groupForm';
import { emptyLane, laneManifest, laneValues, localTime } from './laneForm';
import { labelNames, labelValues } from './lanes';
import { newRule, ruleValues, withRules } from './ruleForm';

const V1 = 'laneway.dev/v1alpha1';
const SCENARIO_1: LaneGroup = groupManifest({
  name: ' test ',
  gateway: 'istio-system/ingressgateway',
  mode: 'permissive',
  traceHeader: 'my-request-id',
  traceIsRoute: false,
  routeHeader: 'x-asm-prefer-tag',
  services: ['default/mocka', 'default/mockb'],
});

describe('the form of a lane group', () => {
  it("writes the article's first scenario", () => {
    expect(SCENARIO_1).toEqual({
      apiVersion: V1,
      kind: 'LaneGroup',
      metadata: { name: 'test' },
      spec: {
        gateway: { name: 'ingressgateway', namespace: 'istio-system' },
        mode: 'permissive',
        routeHeader: 'x-asm-prefer-tag',
        traceHeader: 'my-request-id',
        services: [
          { name: 'mocka', namespace: 'default' },
          { name: 'mockb', namespace: 'default' },
        ],
      },
    });
  });

  it('writes the second one, where the trace header is the route header, too', () => {
    const values = { ...emptyGroup, traceHeader: 'my-request-id', traceIsRoute: true };
    const { routeHeader, traceHeader } = groupManifest({ ...values, routeHeader: 'old' }).spec;
    expect([routeHeader, traceHeader]).toEqual(['my-request-id', 'my-request-id']);
  });

  it('reads what it has written', () => {
    for (const traceIsRoute of [true, false]) {
      const values = { ...groupValues(SCENARIO_1), traceIsRoute };
      if (traceIsRoute) values.routeHeader = values.traceHeader;
      expect(groupValues(groupManifest(values))).toEqual(values);
    }
  });

  it('keeps the fields that it does not show', () => {
    const spec = { ...SCENARIO_1.spec, baseline: 's1', sticky: { cookie: 'user' } };
    const before = { ...SCENARIO_1, metadata: { name: 'test', resourceVersion: '7' }, spec };
    const after = groupManifest({ ...groupValues(before), gateway: '' }, before);
    expect(after.metadata).toEqual(before.metadata);
    expect(after.spec).toMatchObject({ baseline: 's1', sticky: { cookie: 'user' } });
    expect(after.spec.gateway).toBeUndefined();
  });

  it('asks for no trace header in strict mode', () => {
    const values = { ...emptyGroup, mode: 'strict' as const, routeHeader: 'x-lane' };
    const { spec } = groupManifest({ ...values, traceHeader: 'left over', traceIsRoute: true });
    expect(spec).toMatchObject({ routeHeader: 'x-lane', mode: 'strict' });
    expect(spec.traceHeader).toBeUndefined();
  });
});

const LANE: Lane = {
  apiVersion: V1,
  kind: 'Lane',
  metadata: { name: 's2', resourceVersion: '9' },
  spec: { group: 'test', selector: { tag: 'v2' }, owner: 'jack', fallback: ['s3'] },
};

describe('the form of a lane', () => {
  it('offers the first lane all services, and the next ones the label of the first', () => {
    expect(emptyLane(SCENARIO_1, []).services).toEqual(['default/mocka', 'default/mockb']);
    const next = emptyLane(SCENARIO_1, [LANE]);
    expect([next.services, next.labels]).toEqual([[], [{ name: 'tag', value: '' }]]);
  });

  it('keeps the fields that it does not show', () => {
    const values = laneValues(LANE, SCENARIO_1);
    const { metadata, spec } = laneManifest(values, SCENARIO_1, LANE);
    expect(metadata).toEqual(LANE.metadata);
    expect(spec).toEqual({ ...LANE.spec, enabled: true });
  });

  it('states the services once they are not all of the group', () => {
    const values = { ...laneValues(LANE, SCENARIO_1), services: ['default/mockb'] };
    expect(laneManifest(values, SCENARIO_1, LANE).spec.services).toEqual([
      { name: 'mockb', namespace: 'default' },
    ]);
  });

  it('leaves out labels that are empty', () => {
    const labels = [
      { name: ' tag ', value: ' v2 ' },
      { name: '', value: '' },
    ];
    const values = { ...emptyLane(SCENARIO_1, []), labels };
    expect(laneManifest(values, SCENARIO_1).spec.selector).toEqual({ tag: 'v2' });
  });

  it('keeps the time of expiry as it was written, until another one is chosen', () => {
    const expiresAt = '2026-12-31T18:00:30+08:00';
    const before: Lane = { ...LANE, spec: { ...LANE.spec, expiresAt } };
    const values = laneValues(before, SCENARIO_1);
    expect(laneManifest(values, SCENARIO_1, before).spec.expiresAt).toBe(expiresAt);
    const changed = { ...values, expires: '2027-01-02T03:04' };
    const after = laneManifest(changed, SCENARIO_1, before).spec.expiresAt ?? '';
    expect(localTime(new Date(after))).toBe('2027-01-02T03:04');
    const never = laneManifest({ ...values, expires: '' }, SCENARIO_1, before).spec;
    expect('expiresAt' in never).toBe(false);
  });

  it('suggests labels by which workloads differ', () => {
    const workload = (labels: Record<string, string>) => ({
      apiVersion: V1,
      kind: 'Workload' as const,
      metadata: { name: 'mocka', labels },
      spec: {} as never,
    });
    const workloads = [
      workload({ app: 'mocka', tag: 'v2' }),
      workload({ app: 'mocka', tag: 'v1' }),
      workload({ app: 'mocka' }),
    ];
    expect(labelNames(workloads)).toEqual(['tag', 'app']);
    expect(labelValues(workloads, 'tag')).toEqual(['v1', 'v2']);
  });
});

describe('the form of ingress rules', () => {
  it("writes the article's rule", () => {
    const rule = newRule('default/mocka', 'r1');
    const { spec } = withRules(LANE, [{ ...rule, uri: { kind: 'exact', text: '/mock' } }]);
    expect(spec.ingress).toEqual([
      {
        name: 'r1',
        hosts: ['*'],
        uri: { exact: '/mock' },
        destination: { service: { name: 'mocka', namespace: 'default' } },
        online: true,
      },
    ]);
  });

  it('keeps what it does not show: percentages, and ports of the same service', () => {
    const ingress = [
      {
        name: 'r1',
        hosts: ['a.example'],
        headers: { 'x-user': { prefix: 'j' } },
        query: { q: { regex: '.+' } },
        methods: ['GET'],
        destination: { service: 'mocka', port: 8080 },
        online: false,
        enter: true,
        weight: 5,
      },
    ];
    const before: Lane = { ...LANE, spec: { ...LANE.spec, ingress } };
    const rules = ruleValues(before);
    expect(withRules(before, rules).spec.ingress).toEqual([
      {
        ...ingress[0],
        destination: { service: { name: 'mocka', namespace: 'default' }, port: 8080 },
      },
    ]);
    const moved = rules.map((rule) => ({ ...rule, service: 'default/mockb', uri: null }));
    expect(withRules(before, moved).spec.ingress?.[0]).toMatchObject({
      destination: { service: { name: 'mockb', namespace: 'default' } },
      weight: 5,
    });
  });

  it('leaves the field out where no rule is left, so that the rules of the group count', () => {
    const before: Lane = { ...LANE, spec: { ...LANE.spec, ingress: [] } };
    expect('ingress' in withRules(before, []).spec).toBe(false);
  });
});

describe('findings', () => {
  const findings = ['spec.services[1].name', 'spec.serviceBaselines', 'spec.services', ''].map(
    (field) => ({ field, message: field, reason: '' }),
  );

  it('stand beside their field, and nowhere else', () => {
    expect(at(findings, 'spec.services').map(({ field }) => field)).toEqual([
      'spec.services[1].name',
      'spec.services',
    ]);
  });

  it('are not lost where the form has no such field', () => {
    expect(elsewhere(findings, ['spec.services']).map(({ field }) => field)).toEqual([
      'spec.serviceBaselines',
      '',
    ]);
  });
});
