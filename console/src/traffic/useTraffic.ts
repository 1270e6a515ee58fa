/** What runs through a lane group now, asked for again and again while somebody looks. */
import { useEffect, useRef, useState } from 'react';

import { traffic, type GroupTraffic, type Propagation } from '../api/traffic';
import { useAsked, useServed } from '../parts/hooks';
import { figures, kept, type Figures, type Sample } from './figures';

const EVERY = 2_000;
/** Rates are those of the last so many milliseconds. */
const WINDOW = 8_000;
const NONE: readonly Propagation[] = [];

export interface Traffic {
  /** By `figures.key`; null where the server has none. */
  figures: ReadonlyMap<string, Figures> | null;
  propagation: readonly Propagation[];
  wrong: string;
}

export function useTraffic(group: string): Traffic {
  const served = useServed('traffic');
  const { answer, wrong } = useAsked(
    async () => (served ? await sample(group) : null),
    `traffic ${group} ${served}`,
    { every: served ? EVERY : 0 },
  );
  const samples = useRef<readonly Sample[]>([]);
  const [known, setKnown] = useState<ReadonlyMap<string, Figures> | null>(null);
  useEffect(() => {
    samples.current = answer === null ? [] : kept(samples.current, answer, WINDOW);
    setKnown(answer === null ? null : figures(samples.current));
  }, [answer]);
  return { figures: known, propagation: answer?.propagation ?? NONE, wrong };
}

async function sample(group: string): Promise<Sample & GroupTraffic> {
  return { ...(await traffic(group)), at: performance.now() };
}
