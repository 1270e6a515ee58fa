/**
 * References to namespaced objects, which laneway's kinds write in three ways: `name`,
 * `namespace/name` and `{name, namespace}`. Inside the console they are `namespace/name`.
 */
import type { Metadata } from '../api/kinds';

const DEFAULT = 'default';

export function read(reference: unknown): string {
  if (typeof reference === 'string') {
    return reference.includes('/') ? reference : `${DEFAULT}/${reference}`;
  }
  const { name = '', namespace = DEFAULT } = (reference ?? {}) as Partial<Metadata>;
  return `${namespace}/${name}`;
}

export function write(reference: string): { name: string; namespace: string } {
  const [namespace = '', name = ''] = reference.split('/');
  return { name, namespace };
}

export function of({ namespace = DEFAULT, name }: Metadata): string {
  return `${namespace}/${name}`;
}

/** As the console shows it: `mocka(default)`. */
export function shown(reference: string): string {
  const { name, namespace } = write(reference);
  return `${name}(${namespace})`;
}
