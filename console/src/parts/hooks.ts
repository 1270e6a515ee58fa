/** What pages share: the route, the objects, who looks at them, and input that survives. */
import { createContext, useCallback, useContext, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';

import type { AnyObject, Written } from '../api/kinds';
import type { LiveObjects, Snapshot } from '../api/objects';
import { isInCluster } from '../api/place';
import { Refused, write, type Finding, type Identity } from '../api/requests';
import * as session from '../api/session';
import { isServed, mayEditGroup, mayEditLanes, type Served } from '../lanes/rights';
import { isPressed, onPress } from '../presses';
import { read, type Route } from '../routes';

export function useToken(): string | null {
  return useSyncExternalStore(session.onChange, session.token);
}

export function useRoute(): Route {
  const fragment = useSyncExternalStore(
    (listener) => {
      window.addEventListener('hashchange', listener);
      return () => window.removeEventListener('hashchange', listener);
    },
    () => window.location.hash,
  );
  return read(fragment);
}

export function go(link: string): void {
  window.location.hash = link;
}

export const Objects = createContext<LiveObjects | null>(null);
/** Before it is known who looks. */
export const nobody = (): Identity =>
  isInCluster() ? { name: '', scopes: [], edits: [], serves: [] } : { name: '', scopes: [] };
export const Who = createContext<Identity>({ name: '', scopes: [] });

export function useObjects(): Snapshot {
  const objects = useContext(Objects);
  if (objects === null) throw new Error('there is no provider of objects');
  return useSyncExternalStore(objects.listen, objects.get);
}

export function useIsAdmin(): boolean {
  return useContext(Who).scopes.includes('admin');
}

export function useMayEditGroup(group: string): boolean {
  return mayEditGroup(useContext(Who), group);
}

export function useMayEditLanes(group: string): boolean {
  return mayEditLanes(useContext(Who), group);
}

/** The value, but as it was when a pointer was pressed, until it is released: see `presses`. */
export function useHeld<T>(value: T): T {
  const pressed = useSyncExternalStore(onPress, isPressed);
  const [shown, setShown] = useState(value);
  if (pressed || shown === value) return shown;
  setShown(value);
  return value;
}

export function useServed(resource: Served): boolean {
  return isServed(useContext(Who), resource);
}

const PAUSE = 350;

/** What the API finds wrong with the object as it is typed; the last findings if it is away. */
export function useFindings(object: Written, mayWrite: boolean): Finding[] {
  const [findings, setFindings] = useState<Finding[]>([]);
  const text = JSON.stringify(object);
  useEffect(() => {
    if (!mayWrite) return;
    let outdated = false;
    const timer = setTimeout(() => {
      const tried = JSON.parse(text) as Written;
      const isNew = tried.metadata.resourceVersion === undefined;
      write(tried, true).then(
        () => outdated || setFindings([]),
        (error: unknown) => {
          if (outdated || !(error instanceof Refused)) return;
          // A newer version comes by the stream, and the page says so if somebody edited it.
          if (error.code === OUTDATED && !isNew) return;
          setFindings(findingsOf(error));
        },
      );
    }, PAUSE);
    return () => {
      outdated = true;
      clearTimeout(timer);
    };
  }, [text, mayWrite]);
  return findings;
}

export const OUTDATED = 409;

/** A refusal as findings: those that it names, else its own words. */
export function findingsOf(error: Refused): Finding[] {
  if (error.findings.length > 0) return error.findings;
  const field = error.code === OUTDATED ? 'metadata.name' : '';
  return [{ field, message: error.message, reason: error.reason }];
}

/** Why something was not done or not got. */
export type Wrong = Pick<Finding, 'message' | 'reason'>;

/** `unreachable` is what to say where nobody answers. */
export function wrongOf(error: unknown, unreachable: string): Wrong {
  if (!(error instanceof Refused)) return { message: unreachable, reason: '' };
  return { message: error.message, reason: error.reason };
}

export interface Asked<T> {
  /** The last one, also while it is asked again or could not be got. */
  answer: T | null;
  wrong: Wrong | null;
  asking: boolean;
  again: () => void;
}

/**
 * Asks the API what `key` names, and again when `latest` changes, or every so many milliseconds
 * while the page is seen.
 */
export function useAsked<T>(
  ask: () => Promise<T>,
  key: string,
  { every = 0, latest = '' } = {},
): Asked<T> {
  const { t } = useTranslation();
  const [known, setKnown] = useState<{ key: string; answer: T } | null>(null);
  const [wrong, setWrong] = useState<Wrong | null>(null);
  const [asking, setAsking] = useState(true);
  const [turn, setTurn] = useState(0);
  const unreachable = t('unreachable');
  useEffect(() => {
    let outdated = false;
    let timer: ReturnType<typeof setTimeout>;
    const look = async (): Promise<void> => {
      setAsking(true);
      try {
        const answer = await ask();
        if (outdated) return;
        setKnown({ key, answer });
        setWrong(null);
      } catch (error) {
        if (outdated) return;
        setWrong(wrongOf(error, unreachable));
      }
      setAsking(false);
      if (every > 0) timer = setTimeout(next, every);
    };
    const next = (): void => {
      if (document.hidden) timer = setTimeout(next, every);
      else void look();
    };
    void look();
    return () => {
      outdated = true;
      clearTimeout(timer);
    };
    // What is asked is told by the key.
  }, [key, every, latest, turn, unreachable]);
  const answer = known !== null && known.key === key ? known.answer : null;
  return { answer, wrong, asking, again: useCallback(() => setTurn((n) => n + 1), []) };
}

/**
 * Changes whenever a declared object does, and once more when the server has taken the change into
 * account, but not with other parts of statuses: generations count specs.
 */
export function useLatest(): string {
  const { objects } = useObjects();
  return useMemo(() => [...objects].map(([key, object]) => `${key}:${versionOf(object)}`).join(' '), [objects]);
}

function versionOf(object: AnyObject): string {
  const { generation, resourceVersion } = object.metadata;
  const taken = 'status' in object ? object.status?.observedGeneration : undefined;
  return `${generation ?? resourceVersion}/${taken ?? ''}`;
}
