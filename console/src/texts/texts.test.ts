import i18next from 'i18next';
import { beforeAll, describe, expect, it } from 'vitest';

import { said } from '../parts/words';
import { en } from './en';
import { zhPhrases } from './phrases';
import { zhReasons } from './reasons';
import { zh } from './zh';

beforeAll(async () => {
  await i18next.init({
    resources: {
      en: { translation: en },
      'zh-CN': { translation: { ...zh, phrases: zhPhrases } },
    },
    fallbackLng: 'en',
    interpolation: { escapeValue: false },
  });
});

/** By their paths. */
function leaves(texts: object, path = ''): Map<string, string> {
  return new Map(
    Object.entries(texts).flatMap(([key, value]) =>
      typeof value === 'string' ? [[path + key, value]] : [...leaves(value, `${path}${key}.`)],
    ),
  );
}

const placeholders = (text = ''): Set<string> =>
  new Set([...text.matchAll(/{{(\w+)}}/g)].map(([, name = '']) => name));

const NAMES = [
  ...['laneway', 'kubectl', 'apply', 'curl', 'callsWithoutLane', 'ownLane'],
  ...['Envoy', 'Istio', 'ASM', 'Gateway', 'API', 'URI', 'Sidecar', 'Baggage', 'baggage'],
  ...['ID', 'Git', 'Operator', 'Chart', 'ClusterRole', 'istiod', 'istioctl', 'Kubernetes'],
  // In the headings of reasons.
  ...['Service', 'VirtualService', 'DestinationRule', 'HTTPRoute', 'Pod', 'server', 'Server'],
  ...['Helm', 'chart', 'YAML', 'UTF', 'HTTP', 'https', 'TLS', 'URL'],
];

describe('texts', () => {
  it('have the same placeholders in both languages', () => {
    const others = leaves(zh);
    for (const [path, text] of leaves(en)) {
      expect([path, placeholders(others.get(path))]).toEqual([path, placeholders(text)]);
    }
  });

  it('have no word of English in Chinese but names and what is typed', () => {
    const words = new Set(
      [...leaves(zh).values(), ...Object.values(zhPhrases), ...leaves(zhReasons).values()].flatMap(
        (text) => text.replace(/{{\w+}}|<\d>.*?<\/\d>|`[^`]*`|laneway-[\w-]+/g, '').match(/[A-Za-z]{2,}/g) ?? [],
      ),
    );
    expect([...words].filter((word) => !NAMES.includes(word))).toEqual([]);
  });
});

describe('a reason', () => {
  const reason = {
    why: 'lane has no such service',
    text: 'lane s3 has no default/mocka',
    phrase: 'lane has no service',
    arguments: { lane: 's3', service: 'default/mocka' },
  };

  it('is in the chosen language', async () => {
    await i18next.changeLanguage('zh-CN');
    expect(said(i18next, reason)).toBe('泳道 s3 中不存在 default/mocka');
    await i18next.changeLanguage('en');
    expect(said(i18next, reason)).toBe(reason.text);
  });

  it('is in English where its sentence is not known, or an older server does not tell it', async () => {
    await i18next.changeLanguage('zh-CN');
    expect(said(i18next, { ...reason, phrase: 'of a newer server' })).toBe(reason.text);
    expect(said(i18next, { why: reason.why, text: reason.text })).toBe(reason.text);
  });

  it('holds hostile values as they are', async () => {
    await i18next.changeLanguage('zh-CN');
    const hostile = '{{service}} $t(actions.delete) <b>';
    const text = said(i18next, { ...reason, arguments: { lane: hostile, service: 'x' } });
    expect(text).toBe(`泳道 ${hostile} 中不存在 x`);
    const unknown = { ...reason, phrase: '', text: hostile };
    expect(said(i18next, unknown)).toBe(hostile);
  });
});
