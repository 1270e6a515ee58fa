import i18next from 'i18next';
import { createElement, type ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { initReactI18next } from 'react-i18next';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Lane, LaneGroup } from '../api/kinds';
import { en } from '../texts/en';
import { Who } from './hooks';
import { usePlans, type Plans } from './lanePlans';

const GROUP = { kind: 'LaneGroup', metadata: { name: 'shop' }, spec: {} } as unknown as LaneGroup;
const lane = (name: string): Lane =>
  ({ kind: 'Lane', metadata: { name }, spec: { group: 'shop' } }) as unknown as Lane;

interface Asked {
  method: string;
  path: string;
  spec?: { objects: object[]; deletions: { kind: string; name: string }[] };
}
let asked: Asked[] = [];

beforeAll(async () => {
  await i18next.use(initReactI18next).init({ resources: { en: { translation: en } }, lng: 'en' });
});
beforeEach(() => {
  asked = [];
  vi.stubGlobal('sessionStorage', { getItem: () => null });
  vi.stubGlobal('window', { location: { hash: '' } });
  vi.stubGlobal('fetch', (path: string, { method, body }: { method: string; body?: string }) => {
    const sent = body === undefined ? {} : (JSON.parse(body) as Pick<Asked, 'spec'>);
    asked.push({ method, path, ...(sent.spec && { spec: sent.spec }) });
    return Promise.resolve(new Response('{"status": {}}'));
  });
});
afterEach(() => vi.unstubAllGlobals());

/** `serves` is what a cluster has; one machine has everything. */
function plans(serves?: string[]): Plans {
  let found: Plans | undefined;
  const Asking = (): ReactNode => {
    found = usePlans(GROUP);
    return null;
  };
  const value = { name: 'jill', scopes: ['admin'], ...(serves && { serves }) };
  renderToStaticMarkup(createElement(Who.Provider, { value }, createElement(Asking)));
  return found as Plans;
}

const deleted = ({ spec }: Asked): string[] =>
  (spec?.deletions ?? []).map(({ kind, name }) => `${kind}/${name}`);

describe('a deletion', () => {
  it('of a lane is previewed without being made', async () => {
    await plans().removeLane(lane('s2')).preview(false);
    expect(asked.map(({ method, path }) => [method, path.split('/').at(-1)])).toEqual([
      ['POST', 'previews'],
    ]);
    expect(asked.map(deleted)).toEqual([['Lane/s2']]);
    expect(asked[0]?.spec?.objects).toEqual([]);
  });

  it('of a group is previewed and made with all of its lanes, in one change', async () => {
    const plan = plans().removeGroup([lane('s1'), lane('s2')]);
    await plan.preview(false);
    await plan.act(false);
    const all = ['Lane/s1', 'Lane/s2', 'LaneGroup/shop'];
    expect(asked.map(({ path }) => path.split('/').at(-1))).toEqual(['previews', 'changesets']);
    expect(asked.map(deleted)).toEqual([all, all]);
    expect(plan.hint).toContain('s1, s2');
  });

  it('of a group is made one by one where there are no change sets, the lanes first', async () => {
    await plans(['previews']).removeGroup([lane('s1'), lane('s2')]).act(false);
    expect(asked.map(({ method, path }) => [method, path.split('/').at(-1)])).toEqual([
      ['DELETE', 's1'],
      ['DELETE', 's2'],
      ['DELETE', 'shop'],
    ]);
  });
});
