/** Objects that files declare are changed there: what is to be merged into them. */
import { V1, type Written } from '../api/kinds';

/** undefined where the API may change the object. */
export function commit(object: Written, spec: object): object[] | undefined {
  return object.declaredBy === undefined ? undefined : [document(object, spec)];
}

/** The same for several objects, as far as files declare any of them. */
export function commitAll(
  changes: readonly { object: Written; spec: object }[],
): object[] | undefined {
  const declared = changes.filter(({ object }) => object.declaredBy !== undefined);
  return declared.length === 0
    ? undefined
    : declared.map(({ object, spec }) => document(object, spec));
}

export function document({ kind, metadata: { name } }: Written, spec: object): object {
  return { apiVersion: V1, kind, metadata: { name }, spec };
}
