/** What proxies log, while somebody looks. */
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { requestLog, type LoggedRequest } from '../api/requestLog';
import { Refused } from '../api/requests';
import { wrongOf } from '../parts/hooks';
import { whenReleased } from '../presses';
import { kept, toQuery, type Filter, type Row } from './tap';

/** Requests that arrive within so many milliseconds are drawn together. */
const BETWEEN = 250;
const PAUSE = 2_000;
/** Whoever types a filter is not asked for with each letter. */
const TYPING = 350;

export interface Tap {
  rows: readonly Row[];
  /** Why nothing arrives; `code` is 0 where nobody answers. */
  wrong: { code: number; message: string; reason: string } | null;
  clear: () => void;
}

export function useTap(filter: Filter, paused: boolean): Tap {
  const { t } = useTranslation();
  const [rows, setRows] = useState<readonly Row[]>([]);
  const [wrong, setWrong] = useState<Tap['wrong']>(null);
  const asked = JSON.stringify(filter);
  const shown = useRef('');
  const count = useRef(0);
  const unreachable = t('unreachable');

  useEffect(() => {
    if (paused) return;
    let stopped = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    let arrived: LoggedRequest[] = [];
    let drawing: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    const draw = (): void => {
      drawing = undefined;
      if (over) return;
      const lot = arrived;
      arrived = [];
      const from = count.current;
      count.current += lot.length;
      setRows((before) => kept(before, lot, from));
    };
    const follow = async (signal: AbortSignal): Promise<void> => {
      const first = shown.current !== asked;
      if (first) setRows([]);
      shown.current = asked;
      try {
        const query = toQuery(JSON.parse(asked) as Filter, first);
        for await (const lot of requestLog(query, signal)) {
          setWrong(null);
          arrived = arrived.concat(lot);
          drawing ??= setTimeout(() => void whenReleased().then(draw), BETWEEN);
        }
      } catch (error) {
        await whenReleased();
        if (signal.aborted) return;
        const code = error instanceof Refused ? error.code : 0;
        setWrong({ code, ...wrongOf(error, unreachable) });
        if (error instanceof Refused) return;
      }
      if (!signal.aborted) timer = setTimeout(() => void follow(signal), PAUSE);
    };
    const begin = (delay: number): void => {
      stopped = new AbortController();
      const { signal } = stopped;
      timer = setTimeout(() => void follow(signal), delay);
    };
    const end = (): void => {
      clearTimeout(timer);
      stopped.abort();
    };
    const visibilityChanged = (): void => {
      end();
      if (!document.hidden) begin(0);
    };
    setWrong(null);
    begin(shown.current === '' ? 0 : TYPING);
    document.addEventListener('visibilitychange', visibilityChanged);
    return () => {
      document.removeEventListener('visibilitychange', visibilityChanged);
      over = true;
      clearTimeout(drawing);
      end();
    };
  }, [asked, paused, unreachable]);

  return { rows, wrong, clear: () => setRows([]) };
}
