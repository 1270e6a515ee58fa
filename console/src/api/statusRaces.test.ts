import { describe, expect, it } from 'vitest';

import { V1, type Written } from './kinds';
import { Refused } from './requests';
import { writeLatest } from './statusRaces';

function lane(resourceVersion: string): Written {
  const metadata = { name: 's1', resourceVersion };
  return { apiVersion: V1, kind: 'Lane', metadata, spec: { group: 'shop' } };
}

async function attempt(
  found: { object: Written; outdated: boolean },
  error: Error,
): Promise<{ written: (string | undefined)[]; failed: unknown }> {
  const written: (string | undefined)[] = [];
  let current = { object: lane('1'), outdated: false };
  const write = async ({ metadata }: Written): Promise<void> => {
    written.push(metadata.resourceVersion);
    if (metadata.resourceVersion === '1') throw error;
  };
  const caughtUp = async (): Promise<void> => {
    current = found;
  };
  const failed = await writeLatest(write, () => current, caughtUp).catch((thrown: unknown) => thrown);
  return { written, failed };
}

describe('a conflict', () => {
  const conflict = new Refused(409, 'the object has been modified');

  it('with a new status is written once more', async () => {
    const { written, failed } = await attempt({ object: lane('2'), outdated: false }, conflict);
    expect([written, failed]).toEqual([['1', '2'], undefined]);
  });

  it('with what somebody else edited is told', async () => {
    const { written, failed } = await attempt({ object: lane('2'), outdated: true }, conflict);
    expect([written, failed]).toEqual([['1'], conflict]);
  });

  it('of which the page knows nothing newer is told', async () => {
    const { written, failed } = await attempt({ object: lane('1'), outdated: false }, conflict);
    expect([written, failed]).toEqual([['1'], conflict]);
  });

  it('is the only refusal that is tried again', async () => {
    const refused = new Refused(422, 'invalid');
    const { written, failed } = await attempt({ object: lane('2'), outdated: false }, refused);
    expect([written, failed]).toEqual([['1'], refused]);
  });
});
