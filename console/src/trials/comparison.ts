/** The path that was predicted beside the one that was taken, hop by hop. */
import type { CountedHop, PredictedHop, Prediction, Trial } from '../api/trials';

/**
 * `expected`: every request took this hop as predicted. `different`: some did not. `unseen`: no
 * proxy counted the hop. `unforeseen`: it was not predicted.
 */
export type Verdict = 'expected' | 'different' | 'unseen' | 'unforeseen';

export interface ComparedHop {
  /** A service; null is the gateway. */
  caller: string | null;
  service: string;
  predicted: PredictedHop | null;
  /** By the lane that served: how many requests. */
  counted: { lane: string; requests: number }[];
  /** null before anything was sent. */
  verdict: Verdict | null;
}

/**
 * `serviceOf` is the service whose requests a proxy sends on; null for a gateway's. Of `sent`
 * requests, as many are looked for where others ran at the same time and were counted, too.
 */
export function compared(
  prediction: Prediction,
  trial: Trial | null,
  sent: number,
  serviceOf: (proxy: string) => string | null,
): ComparedHop[] {
  const amongOthers = trial !== null && hasOthers(trial, sent, serviceOf);
  const counted = new Map<string, Map<string, number>>();
  const places = new Map<string, { caller: string | null; service: string }>();
  for (const hop of trial?.hops ?? []) add(hop);

  const seen = new Set<string>();
  const hops = prediction.hops.map((predicted): ComparedHop => {
    const { caller, service } = predicted;
    const place = key(caller, service);
    seen.add(place);
    const found = lanes(counted.get(place));
    return { caller, service, predicted, counted: found, verdict: verdict(predicted, found) };
  });
  const others = [...places]
    .filter(([place]) => !seen.has(place))
    .map(([place, at]): ComparedHop => {
      const found = lanes(counted.get(place));
      return { ...at, predicted: null, counted: found, verdict: 'unforeseen' };
    });
  return [...hops, ...others];

  function add({ proxy, service, servedLane, requests }: CountedHop): void {
    const caller = serviceOf(proxy);
    const place = key(caller, service);
    const at = counted.get(place) ?? new Map<string, number>();
    at.set(servedLane, (at.get(servedLane) ?? 0) + requests);
    counted.set(place, at);
    places.set(place, { caller, service });
  }

  function verdict(predicted: PredictedHop, found: ComparedHop['counted']): Verdict | null {
    if (trial === null) return null;
    if (found.length === 0) return predicted.workloads.length === 0 ? 'expected' : 'unseen';
    const isRight = ({ lane }: { lane: string }) => lane === (predicted.servedLane ?? '');
    const enough = (found.find(isRight)?.requests ?? 0) >= sent;
    return found.every(isRight) || (amongOthers && enough) ? 'expected' : 'different';
  }
}

function key(caller: string | null, service: string): string {
  return `${caller ?? ''}>${service}`;
}

function lanes(found: ReadonlyMap<string, number> | undefined): ComparedHop['counted'] {
  return [...(found ?? [])].map(([lane, requests]) => ({ lane, requests }));
}

/** Whether others sent requests at the same time: the gateway counted more than were sent. */
export function hasOthers(
  trial: Trial,
  sent: number,
  serviceOf: (proxy: string) => string | null,
): boolean {
  const atGateway = trial.hops.filter(({ proxy }) => serviceOf(proxy) === null);
  return atGateway.reduce((total, { requests }) => total + requests, 0) > sent;
}
