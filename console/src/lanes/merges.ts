/** What two people made of the same form, put together: a three-way merge of plain data. */

/**
 * The changes from `base` to `mine`, made to `theirs`. Where both changed the same value, it is
 * mine. Lists of names are merged as sets, and lists of things with a `name` one by one.
 */
export function merged<T>(base: T, mine: T, theirs: T): T {
  if (isSame(mine, base) || isSame(mine, theirs)) return theirs;
  if (isSame(theirs, base)) return mine;
  if (Array.isArray(base) && Array.isArray(mine) && Array.isArray(theirs)) {
    return list(base, mine, theirs) as T;
  }
  if (isRecord(base) && isRecord(mine) && isRecord(theirs)) {
    const keys = new Set([...Object.keys(theirs), ...Object.keys(mine)]);
    const values = [...keys].map((key) => [key, merged(base[key], mine[key], theirs[key])]);
    return Object.fromEntries(values) as T;
  }
  return mine;
}

/** Plain data; the order of a record's fields counts for nothing. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((each, index) => isSame(each, other[index]));
  }
  if (!isRecord(one) || !isRecord(other)) return false;
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].every((key) => isSame(one[key], other[key]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** In their order; what I added comes last. */
function list(base: unknown[], mine: unknown[], theirs: unknown[]): unknown[] {
  const [was, own, other] = [named(base), named(mine), named(theirs)];
  if (was === null || own === null || other === null) return mine;
  const kept = [...other].flatMap(([name, value]) => {
    if (!own.has(name)) return was.has(name) ? [] : [value];
    return [merged(was.get(name), own.get(name), value)];
  });
  const added = [...own].flatMap(([name, value]) => {
    if (other.has(name)) return [];
    // They removed it: only what I changed is worth keeping.
    return was.has(name) && isSame(was.get(name), value) ? [] : [value];
  });
  return [...kept, ...added];
}

/** By name; null where names do not tell the items apart. */
function named(items: readonly unknown[]): Map<unknown, unknown> | null {
  const found = new Map(items.map((each) => [isRecord(each) ? each['name'] : each, each]));
  return found.size === items.length && !found.has(undefined) ? found : null;
}
