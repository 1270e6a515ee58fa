import { describe, expect, it } from 'vitest';

import type { Lane } from '../api/kinds';
import { V1 } from '../api/kinds';
import { anew } from './recreation';

describe('an object that is created again', () => {
  it('keeps its name, labels and spec, and nothing of what the server filled in', () => {
    const lane: Lane = {
      apiVersion: V1,
      kind: 'Lane',
      metadata: { name: 's1', labels: { a: 'b' }, resourceVersion: '7', generation: 2 },
      spec: { group: 'shop', selector: {} },
      declaredBy: 'files',
    };
    const metadata = { name: 's1', labels: { a: 'b' } };
    expect(anew(lane)).toEqual({ apiVersion: V1, kind: 'Lane', metadata, spec: lane.spec });
  });
});
