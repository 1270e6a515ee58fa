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

/** The calls of one workload while all requests inside it were of lanes, of the last `seconds`. */
export interface Propagation {
  workload: string;
  services: string[];
  /** "" where the workload serves several. */
  lane: string;
  /** What applications are to pass on. */
  header: string;
  inLane: number;
  withoutHeader: number;
  unknownValue: number;
  lostShare: number;
  seconds: number;
  /** "" where nothing says that the workload loses the header. */
  certainty: '' | 'Certain' | 'Suspected';
}

export interface GroupTraffic {
  lanes: LaneTraffic[];
  propagation: Propagation[];
}

/** An older server does not count calls. */
export async function traffic(group: string): Promise<GroupTraffic> {
  const found = await ask('GET', `${OWN}/traffic/${encodeURIComponent(group)}`);
  const { lanes, propagation = [] } = (found as { status: Partial<GroupTraffic> }).status;
  return { lanes: lanes ?? [], propagation };
}
