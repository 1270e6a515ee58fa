import i18next from 'i18next';
import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { initReactI18next } from 'react-i18next';
import { beforeAll, describe, expect, it } from 'vitest';

import type { Propagation } from '../api/traffic';
import { en } from '../texts/en';
import { zh } from '../texts/zh';
import { LostCalls } from './LostCalls';

const FOUND: Propagation = {
  workload: 'default/mockb-v2',
  services: ['default/mockb'],
  lane: 's2',
  header: 'x-lane',
  inLane: 6,
  withoutHeader: 1203,
  unknownValue: 3,
  lostShare: 0.995,
  seconds: 290,
  certainty: 'Certain',
};

beforeAll(async () => {
  await i18next.use(initReactI18next).init({
    resources: { en: { translation: en }, 'zh-CN': { translation: zh } },
    interpolation: { escapeValue: false },
  });
});

async function shown(language: string, ...propagation: Propagation[]): Promise<string> {
  await i18next.changeLanguage(language);
  const markup = renderToStaticMarkup(createElement(LostCalls, { propagation }));
  return markup.replace(/<svg.*?<\/svg>/g, '').replace(/<[^>]*>/g, '|').replace(/\|+/g, '|');
}

describe('services that lose the lane', () => {
  it('are named with their evidence, and what is to be done', async () => {
    expect(await shown('en', FOUND)).toBe(
      '|mockb(default) of lane s2 calls on without its lane' +
        '|1,206 of 1,212 calls (99.5%) of mockb-v2(default) named no lane while all requests ' +
        'inside were of lanes, in the last 5 min: 1,203 without x-lane, 3 with another value of it.' +
        '|Pass on x-lane from each request to the calls that it leads to. For calls on its own ' +
        'behalf, set callsWithoutLane: ownLane.|',
    );
  });

  it('are named in Chinese, too', async () => {
    const text = await shown('zh-CN', FOUND);
    expect(text).toContain('泳道 s2 的 mockb(default) 调用下游时丢失了泳道');
    expect(text).toContain('1,212 次调用中有 1,206 次（99.5%）');
  });

  it('are only suspected where a lane is not certain', async () => {
    const suspected = { ...FOUND, certainty: 'Suspected' as const, lane: '', seconds: 5 };
    const text = await shown('en', suspected);
    expect(text).toContain('mockb(default) probably calls on without the lane of its requests');
    expect(text).toContain('in the last 1 min');
    expect(text).toContain('If these are not calls on its own behalf');
  });

  it('are those that the server says, and no others', async () => {
    expect(await shown('en', { ...FOUND, certainty: '' })).toBe('');
  });

  it('show what a name holds as text', async () => {
    const propagation = [{ ...FOUND, header: '<img src=x onerror=alert(1)>' }];
    const text = renderToStaticMarkup(createElement(LostCalls, { propagation }));
    expect(text).not.toContain('<img');
  });
});
