import { describe, expect, it } from 'vitest';

import type { Lane, LaneGroup } from '../api/kinds';
import type { PredictedHop, Prediction, Trial } from '../api/trials';
import { compared, hasOthers } from './comparison';
import { curl, emptyTrial, fromQuery, ofLane, request, toQuery, type TrialValues } from './trialForm';

const GROUP: LaneGroup = {
  apiVersion: 'laneway.dev/v1alpha1',
  kind: 'LaneGroup',
  metadata: { name: 'test' },
  spec: { mode: 'permissive', routeHeader: 'x-lane', services: [] },
};
const VALUES: TrialValues = {
  gateway: 'istio-system/entry',
  host: 'shop.test',
  path: '/mock?a=b&c=泳道',
  method: 'POST',
  lane: 'test/s2',
  headers: [{ name: 'x-user', value: 'jack: "x"' }],
  count: 7,
};

describe('a request to try', () => {
  it('is read from the link that it is written to', () => {
    expect(fromQuery(toQuery(VALUES))).toEqual(VALUES);
    expect(fromQuery(toQuery(emptyTrial))).toEqual(emptyTrial);
  });

  it('is bounded, whatever a link says', () => {
    for (const [count, expected] of [['1000', 100], ['-3', 1], ['x', 10], ['2.5', 10]] as const) {
      expect(fromQuery(`count=${count}&method=CONNECT`)).toMatchObject({
        count: expected,
        method: 'GET',
      });
    }
  });

  it('names the lane by the route header of its group', () => {
    expect(request(VALUES, [GROUP]).headers).toEqual({ 'x-user': 'jack: "x"', 'x-lane': 's2' });
    expect(request({ ...VALUES, lane: '' }, [GROUP]).headers).toEqual({ 'x-user': 'jack: "x"' });
  });

  it('enters a lane by its first rule', () => {
    const rule = { name: 'r1', hosts: ['*'], uri: { prefix: '/api' }, destination: 'a' };
    const spec = { group: 'test', ingress: [{ ...rule, online: true, enter: false }] };
    const { apiVersion } = GROUP;
    const lane: Lane = { apiVersion, kind: 'Lane', metadata: { name: 's2' }, spec };
    expect(ofLane(lane, GROUP)).toMatchObject({ host: 'localhost', path: '/api', lane: 'test/s2' });
  });

  it('is a command that a shell takes as it is', () => {
    const sent = { host: 'shop.test', path: '/a?b=$(x)', method: 'POST', headers: { 'x-a': "it's" } };
    expect(curl(sent, 'http://127.0.0.1:80')).toBe(
      `curl -X POST -H 'Host: shop.test' -H 'x-a: it'\\''s' 'http://127.0.0.1:80/a?b=$(x)'`,
    );
    expect(curl({ ...sent, method: 'GET', path: '/', headers: { 'x-a': '' } }, '')).toBe(
      `curl -H 'x-a;' http://shop.test/`,
    );
  });
});

function hop(caller: string | null, service: string, lane: string | null): PredictedHop {
  const workloads = lane === null ? [] : [`${service}-${lane}`];
  return { caller, service, intendedLane: 's2', servedLane: lane, workloads, reasons: [] };
}

function trial(...hops: [string, string, string, number][]): Trial {
  return {
    gateway: '',
    port: 80,
    url: '',
    answers: [],
    hops: hops.map(([proxy, service, servedLane, requests]) => ({
      proxy,
      service,
      lane: servedLane,
      servedLane,
      requests,
    })),
  };
}

const serviceOf = (proxy: string) => (proxy === 'router' ? null : proxy.replace(/-v\d$/, ''));
const PREDICTION: Prediction = {
  hops: [hop(null, 'a', 's2'), hop('a', 'b', 's1')],
  failure: null,
  unknownCalls: [],
};

describe('prediction and reality', () => {
  const verdicts = (found: Trial | null) =>
    compared(PREDICTION, found, 3, serviceOf).map(({ service, verdict }) => `${service} ${verdict}`);

  it('agree where the same lanes served, whichever instance called', () => {
    const found = trial(['router', 'a', 's2', 3], ['a-v1', 'b', 's1', 2], ['a-v2', 'b', 's1', 1]);
    expect(verdicts(found)).toEqual(['a expected', 'b expected']);
    expect(compared(PREDICTION, found, 3, serviceOf)[1]?.counted).toEqual([{ lane: 's1', requests: 3 }]);
  });

  it('differ where another lane served some of the requests', () => {
    const found = trial(['router', 'a', 's2', 3], ['a-v1', 'b', 's1', 2], ['a-v1', 'b', 's2', 1]);
    expect(verdicts(found)).toEqual(['a expected', 'b different']);
  });

  it('differ where a hop is missing, or one more', () => {
    const found = trial(['router', 'a', 's2', 3], ['a-v1', 'c', 's1', 3]);
    expect(verdicts(found)).toEqual(['a expected', 'b unseen', 'c unforeseen']);
  });

  it('say nothing of each other before anything was sent', () => {
    expect(verdicts(null)).toEqual(['a null', 'b null']);
  });

  it('agree among others, where as many as were sent took the predicted path', () => {
    const others = trial(['router', 'a', 's2', 3], ['router', 'a', 's1', 2], ['a-v1', 'b', 's1', 4]);
    expect(verdicts(others)).toEqual(['a expected', 'b expected']);
    const fewer = trial(['router', 'a', 's2', 2], ['router', 'a', 's1', 2], ['a-v1', 'b', 's1', 4]);
    expect(verdicts(fewer)).toEqual(['a different', 'b expected']);
  });

  it('know when others sent requests, too', () => {
    expect(hasOthers(trial(['router', 'a', 's2', 3]), 3, serviceOf)).toBe(false);
    expect(hasOthers(trial(['router', 'a', 's2', 3], ['router', 'a', 's1', 1]), 3, serviceOf)).toBe(true);
  });
});
