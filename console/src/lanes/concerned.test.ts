import { expect, it } from 'vitest';

import { concerned } from './concerned';

const NODE = 'sidecar~mocka-v1.default';

function told(resource: string, node = NODE): string[] {
  return concerned(resource, node).map(({ kind, name }) => `${kind} ${name}`);
}

it('finds the service and the lanes of a cluster', () => {
  expect(told('outbound|8000|s2>s1|mocka.default.svc.cluster.local')).toEqual([
    'Service default/mocka',
    'Lane s2',
    'Lane s1',
  ]);
  expect(told('outbound|8000|?>s1|mocka.shop.svc.cluster.local')).toEqual([
    'Service shop/mocka',
    'Lane s1',
  ]);
  expect(told('outbound|8000||mocka.default.svc.cluster.local')).toEqual(['Service default/mocka']);
});

it('finds the gateway of its routes', () => {
  expect(told('gateway|80|istio-system/entry')).toEqual(['Gateway istio-system/entry']);
  expect(told('gateway|80', 'router~entry.istio-system')).toEqual(['Gateway istio-system/entry']);
});

it('takes what is a proxy’s own to be of its workload', () => {
  expect(told('inbound|8000||')).toEqual(['Workload default/mocka-v1']);
  expect(told('inbound|8000||', 'sidecar~a.b-v1.shop')).toEqual(['Workload shop/a.b-v1']);
  expect(told('PassthroughCluster')).toEqual(['Workload default/mocka-v1']);
});
