import { describe, expect, it } from 'vitest';

import { compared, contains, titled } from './documents';
import { excerpt, lineDiff } from './lineDiff';
import { ordered, yaml } from './yaml';

describe('YAML', () => {
  it('is in block style', () => {
    const value = { a: 1, list: [{ b: 'x', c: [] }, [1, 2]], none: null, map: { d: {} } };
    expect(yaml(value)).toBe(
      'a: 1\nlist:\n- b: x\n  c: []\n- - 1\n  - 2\nnone: null\nmap:\n  d: {}\n',
    );
  });

  it('is the same text for the same data', () => {
    const [one, other] = [{ b: [{ d: 1, c: 2 }], a: 1 }, { a: 1, b: [{ c: 2, d: 1 }] }];
    expect(yaml(ordered(one))).toBe(yaml(ordered(other)));
  });

  it('quotes what would not be read as the same string', () => {
    const hostile = ['yes', 'null', '1', '', 'a: b', '- x', '# c', ' x', 'x ', 'a\nb', '泳道', '~'];
    for (const each of hostile) expect(yaml({ a: each })).toBe(`a: ${JSON.stringify(each)}\n`);
    for (const each of ['x', '/mock', 'v1/a-b.c', 'two words']) {
      expect(yaml({ a: each })).toBe(`a: ${each}\n`);
    }
    expect(yaml({ on: true })).toBe('"on": true\n');
  });

  it('cuts long strings where it is only shown', () => {
    expect(yaml({ a: 'abcdef' }, 4)).toBe('a: abcd # 2 more\n');
  });
});

describe('a diff', () => {
  it('has the lines of both texts', () => {
    const lines = lineDiff('a\nb\nc\nd', 'a\nx\nc\ny\nd');
    expect(lines.map(({ mark, text }) => mark + text)).toEqual([' a', '-b', '+x', ' c', '+y', ' d']);
  });

  it('rebuilds both texts', () => {
    const [before, after] = ['a\na\nb\nc\na', 'b\na\na\nc\nc'];
    const lines = lineDiff(before, after);
    const without = (mark: string) =>
      lines.filter((each) => each.mark !== mark).map(({ text }) => text).join('\n');
    expect([without('+'), without('-')]).toEqual([before, after]);
  });

  it('leaves out what is far from any difference', () => {
    const many = Array.from({ length: 20 }, (_, index) => `line ${index}`);
    const after = many.map((each) => (each === 'line 10' ? 'other' : each));
    const shown = excerpt(lineDiff(many.join('\n'), after.join('\n')), 1);
    expect(shown.map((each) => (each === null ? '…' : each.mark + each.text))).toEqual([
      '…',
      ' line 9',
      '-line 10',
      '+other',
      ' line 11',
      '…',
    ]);
  });
});

const ROUTE = { kind: 'HTTPRoute', metadata: { name: 'a', namespace: 'shop' }, spec: { x: 1 } };
const CLUSTER = {
  node: 'sidecar~a',
  resource: { '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster', name: 'inbound|1' },
};

describe('documents', () => {
  it('are named by what tells them apart', () => {
    expect(titled([ROUTE, CLUSTER]).map(({ title }) => title)).toEqual([
      'HTTPRoute shop/a',
      'Cluster inbound|1 (sidecar~a)',
    ]);
  });

  it('are compared one by one', () => {
    const changed = { ...ROUTE, spec: { x: 2 } };
    const found = compared(titled([ROUTE, CLUSTER]), titled([changed, { kind: 'New' }]));
    expect(found.map(({ title, change }) => `${change} ${title.trim()}`)).toEqual([
      'changed HTTPRoute shop/a',
      'added New',
      'removed Cluster inbound|1 (sidecar~a)',
    ]);
  });

  it('are searched by what is in them', () => {
    const [route] = titled([ROUTE]);
    expect(route && contains(route, 'SHOP/A')).toBe(true);
    expect(route && contains(route, '"x":1')).toBe(true);
    expect(route && contains(route, 'mocka')).toBe(false);
  });
});
