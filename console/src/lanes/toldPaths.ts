/** Paths of requests as the API tells them: `mocka in lane s1 instead of s2, then 503: ...`. */

export interface ToldHop {
  service: string;
  /** null is a service in no lane group. */
  lane: string | null;
  /** The lane that the request named, where another one answers. */
  insteadOf: string | null;
}

/** `end` is what is told besides hops: why the path ends early, or "". */
export interface ToldPath {
  hops: ToldHop[];
  end: string;
  byWeight: boolean;
}

const HOP = /^(\S+) in (?:no lane|lane (\S+?)(?: instead of (\S+))?)$/;
const THEN = ', then ';
const BY_WEIGHT = ' (one path of several, by weight)';

export function toldPath(text: string): ToldPath {
  const byWeight = text.endsWith(BY_WEIGHT);
  const parts = (byWeight ? text.slice(0, -BY_WEIGHT.length) : text).split(THEN);
  const hops: ToldHop[] = [];
  for (const part of parts) {
    const found = HOP.exec(part);
    if (found === null) break;
    const [, service = '', lane = null, insteadOf = null] = found;
    hops.push({ service, lane, insteadOf });
  }
  return { hops, end: parts.slice(hops.length).join(THEN), byWeight };
}
