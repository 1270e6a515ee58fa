import i18next from 'i18next';
import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { initReactI18next } from 'react-i18next';
import { beforeAll, describe, expect, it } from 'vitest';

import type { Condition, Lane } from '../api/kinds';
import { en } from '../texts/en';
import { zhReasons, type Reasoned } from '../texts/reasons';
import { zh } from '../texts/zh';
import { Told } from './Told';
import { Troubles } from './Troubles';

beforeAll(async () => {
  await i18next.use(initReactI18next).init({
    resources: {
      en: { translation: en },
      'zh-CN': { translation: { ...zh, reasons: zhReasons } },
    },
    fallbackLng: 'en',
    interpolation: { escapeValue: false },
  });
});

async function told(language: string, of: Reasoned, reason: string, text: string) {
  await i18next.changeLanguage(language);
  return renderToStaticMarkup(createElement(Told, { of, reason, text }));
}

describe('what the server says', () => {
  it('stands below a Chinese heading, and alone on an English page', async () => {
    const text = 'lanes.laneway.dev "s1" not found';
    expect(await told('zh-CN', 'problems', 'NotFound', text)).toBe(
      '对象不存在。<span class="told" lang="en">lanes.laneway.dev &quot;s1&quot; not found</span>',
    );
    expect(await told('en', 'problems', 'NotFound', 'not found')).toBe('not found');
  });

  it('has a heading for the code of a finding, also where a condition has it as its reason', async () => {
    expect(await told('zh-CN', 'problems', 'UNKNOWN_SERVICE', 'x')).toMatch(/^引用了不存在的服务。/);
    expect(await told('zh-CN', 'conditions', 'UnknownService', 'x')).toMatch(/^引用了不存在的服务。/);
  });

  it('is another thing where the same reason is of a condition', async () => {
    expect(await told('zh-CN', 'conditions', 'Expired', 'x')).toMatch(/^泳道已到期/);
    expect(await told('zh-CN', 'problems', 'Expired', 'x')).toMatch(/^所请求的版本已不再保留/);
  });

  it.each(['', 'OfANewerServer', 'a.b', 'a:b', '__proto__', 'constructor', '{{x}} $t(title)'])(
    'stands alone where nothing is known of the reason %j',
    async (reason) => {
      expect(await told('zh-CN', 'problems', reason, '{{text}}')).toBe('{{text}}');
    },
  );
});

function lane(...conditions: Partial<Condition>[]): Lane {
  const metadata = { name: 's1' };
  const status = { conditions };
  return { kind: 'Lane', metadata, spec: { group: 'test' }, status } as unknown as Lane;
}

async function troubles(language: string, ...objects: Lane[]): Promise<string> {
  await i18next.changeLanguage(language);
  const markup = renderToStaticMarkup(createElement(Troubles, { objects }));
  return markup.replace(/<svg.*?<\/svg>/g, '').replace(/<[^>]*>/g, '|').replace(/\|+/g, '|');
}

describe('troubles of a lane group', () => {
  const rejected = { type: 'Programmed', status: 'False' as const, reason: 'RejectedByProxies' };
  const message = 'mocka: bad route\nmockb: bad route';

  it('are one line, which is there without any as well', async () => {
    expect(await troubles('en', lane({ type: 'Ready', status: 'True', message: 'x' }))).toContain(
      'Nothing is wrong.',
    );
    const text = await troubles('en', lane({ ...rejected, message }));
    expect(text).toContain('|Lane s1: |mocka: bad route|');
  });

  it('are told in Chinese by their reasons, with the words of the server below', async () => {
    const unready = { type: 'Ready', status: 'False' as const, reason: 'NoReadyInstance' };
    const text = await troubles(
      'zh-CN',
      lane({ ...rejected, message }, { ...unready, message: 'no ready instance' }),
    );
    expect(text).toContain('2 个问题。 |泳道 s1：|代理拒绝了配置。|');
    expect(text).toContain(`代理拒绝了配置。|${message}|`);
    expect(text).toContain('部分服务没有就绪的实例。|no ready instance|');
  });
});
