/** What runs through a lane group now, asked for again and again while somebody looks. */
import { useEffect, useRef, useState } from 'react';

import { traffic, type GroupTraffic, type Propagation } from '../api/traffic';
import { useAsked, useServed, type Wrong } from '../parts/hooks';
import { figures, kept, type Figures, type Sample } from './figures';

const EVERY = 2_000;
/** Rates are those of the last so many milliseconds. */
const WINDOW = 8_000;
const NONE: readonly Propagation[] = [];
const NOTHING = { figures: null, hasRates: false };

export interface Traffic {
  /** By `figures.key`; null where the server has none. */
  figures: ReadonlyMap<string, Figures> | null;
  /** Until there are two samples, all rates are 0. */
  hasRates: boolean;
  propagation: readonly Propagation[];
  wrong: Wrong | null;
}

/** `every` is in milliseconds. */
export function useTraffic(group: string, every = EVERY): Traffic {
  const served = useServed('traffic');
  const { answer, wrong } = useAsked(
    async () => (served ? await sample(group) : null),
    `traffic ${group} ${served}`,
    { every: served ? every : 0 },
  );
  const samples = useRef<readonly Sample[]>([]);
  const [known, setKnown] = useState<Pick<Traffic, 'figures' | 'hasRates'>>(NOTHING);
  useEffect(() => {
    samples.current = answer === null ? [] : kept(samples.current, answer, Math.max(WINDOW, 2 * every));
    setKnown(
      answer === null
        ? NOTHING
        : { figures: figures(samples.current), hasRates: samples.current.length > 1 },
    );
  }, [answer, every]);
  return { ...known, propagation: answer?.propagation ?? NONE, wrong };
}

async function sample(group: string): Promise<Sample & GroupTraffic> {
  return { ...(await traffic(group)), at: performance.now() };
}
