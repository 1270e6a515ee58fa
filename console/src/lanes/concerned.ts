/** Which declared objects an Envoy resource comes from, by its name. */
export interface Concerned {
  kind: 'Service' | 'Lane' | 'Gateway' | 'Workload';
  name: string;
}

const DOMAIN = '.svc.cluster.local';

/** `node` is the proxy that has the resource. */
export function concerned(resource: string, node: string): Concerned[] {
  const [direction, , third = '', host = ''] = resource.split('|');
  if (direction === 'gateway') return third ? [{ kind: 'Gateway', name: third }] : ofNode(node);
  if (direction === 'outbound') {
    const [name = '', namespace = ''] = host.replace(DOMAIN, '').split('.');
    const lanes = third.split('>').filter((each) => each !== '' && each !== '?');
    return [
      { kind: 'Service', name: `${namespace}/${name}` },
      ...lanes.map((lane): Concerned => ({ kind: 'Lane', name: lane })),
    ];
  }
  return ofNode(node);
}

function ofNode(node: string): Concerned[] {
  const [role = '', id = ''] = node.split('~');
  const dot = id.lastIndexOf('.');
  const [name, namespace] = [id.slice(0, dot), id.slice(dot + 1)];
  const kind = role === 'router' ? 'Gateway' : 'Workload';
  return name ? [{ kind, name: `${namespace}/${name}` }] : [];
}
