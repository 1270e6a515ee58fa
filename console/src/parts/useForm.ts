/**
 * What is typed into a form. It is kept for the tab, so that it is still there when the page was
 * reloaded or signed in to again, until it is saved or discarded.
 */
import { useState } from 'react';

import { isSame, merged } from '../lanes/merges';

interface Draft<V> {
  values: V;
  /** What the form showed before anything was typed, and of which generation of the object. */
  base: V;
  generation: number | null;
}

export interface Form<V> {
  values: V;
  change: (changed: Partial<V>) => void;
  /** Whether anything was typed. Until then, the form follows the object. */
  isTouched: boolean;
  /** Whether somebody else changed the object since. */
  isOutdated: boolean;
  /** The object as it is now, and what was typed as changes of that. */
  current: V;
  redone: V;
  redo: () => void;
  /** Shows the object as it is now instead of what was typed. */
  discard: () => void;
  /** Who comes back finds nothing of what was typed. */
  forget: () => void;
}

/** `current` is what the form shows of the object as it is now. */
export function useForm<V extends object>(
  name: string,
  current: V,
  generation: number | undefined,
): Form<V> {
  const key = `laneway.form.${name}`;
  const [kept, setKept] = useState<Draft<V> | null>(() => stored(key));
  const now = generation ?? null;
  const draft = kept !== null && !isSame(kept.values, kept.base) ? kept : null;
  const redone = draft === null ? current : merged(draft.base, draft.values, current);
  const keep = (next: Draft<V> | null): void => {
    store(key, next);
    setKept(next);
  };
  return {
    values: draft?.values ?? current,
    change: (changed) => {
      const { values, ...rest } = draft ?? { values: current, base: current, generation: now };
      keep({ ...rest, values: { ...values, ...changed } });
    },
    isTouched: draft !== null,
    isOutdated: draft !== null && draft.generation !== now,
    current,
    redone,
    redo: () => keep({ values: redone, base: current, generation: now }),
    discard: () => keep(null),
    forget: () => store(key, null),
  };
}

/** null also for what an earlier version of the console stored. */
function stored<V>(key: string): Draft<V> | null {
  try {
    const found = JSON.parse(sessionStorage.getItem(key) ?? 'null') as Draft<V> | null;
    return found !== null && 'base' in found && 'values' in found ? found : null;
  } catch {
    return null;
  }
}

function store(key: string, draft: object | null): void {
  try {
    if (draft === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify(draft));
  } catch {
    // The browser's storage is full or switched off: the page itself still has what was typed.
  }
}
