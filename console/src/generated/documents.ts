/** Generated documents: what tells them apart, and how two sets of them differ. */

export interface Titled {
  /** `Kind namespace/name`; for Envoy's also the proxy that gets it, `*` being every one. */
  title: string;
  document: object;
}

interface Manifest {
  kind?: string;
  metadata?: { name?: string; namespace?: string };
}

interface Resource {
  node?: string;
  resource?: { '@type'?: string; name?: string; cluster_name?: string };
}

export function titled(documents: readonly object[]): Titled[] {
  return documents.map((document) => ({ title: title(document), document }));
}

function title(document: Manifest & Resource): string {
  const { node, resource, kind = '', metadata = {} } = document;
  if (resource !== undefined) {
    const type = (resource['@type'] ?? '').replace(/^.*\./, '');
    const name = resource.name ?? resource.cluster_name ?? '';
    return `${type} ${name}${node === '*' ? '' : ` (${node})`}`;
  }
  const { name = '', namespace } = metadata;
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

export interface Compared extends Titled {
  change: 'same' | 'added' | 'changed' | 'removed';
  before: object | null;
}

/** What is removed comes last. */
export function compared(before: readonly Titled[], now: readonly Titled[]): Compared[] {
  const old = new Map(before.map((each) => [each.title, each.document]));
  const left = new Set(now.map((each) => each.title));
  const after = now.map((each): Compared => {
    const was = old.get(each.title) ?? null;
    if (was === null) return { ...each, change: 'added', before: null };
    const same = JSON.stringify(was) === JSON.stringify(each.document);
    return { ...each, change: same ? 'same' : 'changed', before: was };
  });
  const removed = before
    .filter((each) => !left.has(each.title))
    .map((each): Compared => ({ ...each, change: 'removed', before: each.document }));
  return [...after, ...removed];
}

const texts = new WeakMap<object, string>();

/** Whether the title or the content has the text; letters may be of either case. */
export function contains({ title: name, document }: Titled, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  if (name.toLowerCase().includes(wanted)) return true;
  let content = texts.get(document);
  if (content === undefined) {
    content = JSON.stringify(document).toLowerCase();
    texts.set(document, content);
  }
  return content.includes(wanted);
}
