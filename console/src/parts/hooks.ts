/** What pages share: the route, the objects, who looks at them, and input that survives. */
import { createContext, useCallback, useContext, useEffect, useState, useSyncExternalStore } from 'react';

import type { Written } from '../api/kinds';
import type { LiveObjects, Snapshot } from '../api/objects';
import { Refused, write, type Finding, type Identity } from '../api/requests';
import * as session from '../api/session';
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
export const Who = createContext<Identity>({ name: '', scopes: [] });

export function useObjects(): Snapshot {
  const objects = useContext(Objects);
  if (objects === null) throw new Error('there is no provider of objects');
  return useSyncExternalStore(objects.listen, objects.get);
}

/** Whether the API would let the user change this lane group and its lanes; "" is any group. */
export function useMayEdit(group: string): boolean {
  const { scopes } = useContext(Who);
  if (scopes.includes('admin')) return true;
  return group === ''
    ? scopes.some((scope) => scope.startsWith('edit:'))
    : scopes.includes(`edit:${group}`);
}

/** State that is still there when the page was reloaded or signed in to again, until `clear`. */
export function useDraft<T>(key: string, initial: () => T): [T, (value: T) => void, () => void] {
  const stored = `laneway.draft.${key}`;
  const [value, setValue] = useState<T>(() => {
    const text = sessionStorage.getItem(stored);
    return text === null ? initial() : (JSON.parse(text) as T);
  });
  const change = useCallback(
    (next: T) => {
      sessionStorage.setItem(stored, JSON.stringify(next));
      setValue(next);
    },
    [stored],
  );
  const clear = useCallback(() => sessionStorage.removeItem(stored), [stored]);
  return [value, change, clear];
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
      write(JSON.parse(text) as Written, true).then(
        () => outdated || setFindings([]),
        (error: unknown) => {
          if (!outdated && error instanceof Refused) setFindings(findingsOf(error));
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
  return [{ field, message: error.message }];
}
