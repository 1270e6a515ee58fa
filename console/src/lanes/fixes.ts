/** Corrections that the analysis offers: patches that lead no request elsewhere. */
import type { Lane } from '../api/kinds';
import type { Found, PatchStep } from '../api/reads';

export interface Fix {
  lane: Lane;
  patch: PatchStep[];
  /** What the patch makes of the field that it changes. */
  spec: object;
}

/** null where the finding has none, or the lane is another one by now. */
export function fixOf(found: Found, lanes: readonly Lane[]): Fix | null {
  const { patch, kind, name } = found;
  if (patch === null || kind !== 'Lane') return null;
  const lane = lanes.find(({ metadata, spec }) => `${spec.group}/${metadata.name}` === name);
  const removal = patch.find(({ op }) => op === 'remove');
  if (lane === undefined || removal === undefined) return null;
  const [, first, field = '', ...rest] = removal.path.split('/');
  const value = (lane.spec as Record<string, unknown>)[field];
  if (first !== 'spec' || !Array.isArray(value)) return null;
  const changed = without(value, rest);
  return changed === null ? null : { lane, patch, spec: { [field]: changed } };
}

/** The list without the item at the end of a path of positions and names; null if it is not there. */
function without(value: unknown, [first = '', ...rest]: string[]): unknown {
  const index = Array.isArray(value) ? Number(first) : first;
  const within = (value as Record<string | number, unknown>)[index];
  if (within === undefined) return null;
  if (rest.length === 0) {
    return Array.isArray(value) ? value.filter((_, each) => each !== index) : null;
  }
  const changed = without(within, rest);
  if (changed === null) return null;
  if (Array.isArray(value)) return value.map((each, at) => (at === index ? changed : each));
  return { ...(value as object), [index]: changed };
}
