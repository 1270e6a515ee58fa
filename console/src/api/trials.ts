/** A request that is tried: what the simulator predicts, and what came of it. */
import { answered } from './reviews';

export interface TriedRequest {
  host: string;
  path: string;
  method: string;
  headers: Record<string, string>;
}

/** `gateway` is `namespace/name`, or "" for the only one. */
export interface Destination {
  gateway: string;
}

/** `text` is in English; `phrase` is the code of the sentence, which an older server does not tell. */
export interface Reason {
  why: string;
  text: string;
  phrase?: string;
  arguments?: Readonly<Record<string, string>>;
}

export interface PredictedHop {
  /** null is the gateway. */
  caller: string | null;
  service: string;
  intendedLane: string | null;
  servedLane: string | null;
  workloads: string[];
  reasons: Reason[];
}

export interface Prediction {
  hops: PredictedHop[];
  failure: { message: string; status: number | null } | null;
  unknownCalls: string[];
}

/** Requests that a proxy sent on; `lane` is `?` where the service has none that was named. */
export interface CountedHop {
  proxy: string;
  service: string;
  lane: string;
  servedLane: string;
  requests: number;
}

export interface Trial {
  gateway: string;
  port: number;
  url: string;
  /** `status` 0: there was no answer, and `body` says why. */
  answers: { status: number; body: string; count: number }[];
  hops: CountedHop[];
}

function to({ gateway }: Destination): object {
  return gateway === '' ? {} : { gateway };
}

export function predict(request: TriedRequest, destination: Destination): Promise<Prediction> {
  return answered('explanations', 'Explanation', { request, ...to(destination) });
}

/** Sends the request so many times, at most 100. */
export function tryOut(
  request: TriedRequest,
  destination: Destination,
  count: number,
): Promise<Trial> {
  return answered('requesttrials', 'RequestTrial', { request, count, ...to(destination) });
}

/** Where the gateway listens; nothing is sent. */
export async function gatewayUrl(destination: Destination): Promise<string> {
  const spec = to(destination);
  const found = await answered<Trial>('requesttrials', 'RequestTrial', spec, '?dryRun=All');
  return found.url;
}
