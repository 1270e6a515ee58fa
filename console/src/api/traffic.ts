/** What proxies have counted of a lane group's requests. */
import { ask, OWN } from './requests';

export interface Latency {
  p50: number | null;
  p90: number | null;
  p99: number | null;
}

/** `lane` is `?` where requests named one that the service has no version for. */
export interface LaneTraffic {
  service: string;
  lane: string;
  /** "" where nobody answered. */
  servedLane: string;
  requests: number;
  /** Not counted by every server. */
  errors?: number;
  cause?: string;
  latencyMilliseconds?: Latency;
}

export async function traffic(group: string): Promise<LaneTraffic[]> {
  const found = await ask('GET', `${OWN}/traffic/${encodeURIComponent(group)}`);
  return (found as { status: { lanes: LaneTraffic[] } }).status.lanes;
}
