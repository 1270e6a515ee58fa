/**
 * All objects that the console shows, as the API's stream tells of them. Objects of a kind are in
 * the order in which they were created: a group's first lane is its baseline.
 */
import { endsInitial, events, type StreamEvent } from './eventStream';
import type { AnyObject, Gateway, Kind, Lane, LaneGroup, Service, Workload } from './kinds';
import { whenReleased } from '../presses';
import { headers, refused, STREAM } from './requests';
import * as session from './session';

/** `lost`: what is shown may be outdated. */
export type Connection = 'connecting' | 'live' | 'lost';

export interface Snapshot {
  connection: Connection;
  /** Why there is no stream, where the server said so. */
  refusal: string;
  objects: ReadonlyMap<string, AnyObject>;
}

/** The objects after an event. */
export function after(
  objects: ReadonlyMap<string, AnyObject>,
  received: readonly StreamEvent[],
): ReadonlyMap<string, AnyObject> {
  const result = new Map(objects);
  for (const event of received) {
    if (event.type === 'BOOKMARK') continue;
    if (event.type === 'DELETED') result.delete(key(event.object));
    else result.set(key(event.object), event.object);
  }
  return result;
}

export function key({ kind, metadata }: AnyObject): string {
  return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}

type OfKind = {
  LaneGroup: LaneGroup;
  Lane: Lane;
  Service: Service;
  Gateway: Gateway;
  Workload: Workload;
};

export function ofKind<K extends Kind>(snapshot: Snapshot, kind: K): OfKind[K][] {
  return [...snapshot.objects.values()].filter((each) => each.kind === kind) as OfKind[K][];
}

/** A stream that says nothing for this long is dead: the server sends a bookmark each minute. */
const SILENCE = 150_000;
const FIRST_PAUSE = 250;
/** Many changes a second are shown together. */
const BETWEEN = 200;
const LONGEST_PAUSE = 5_000;
/** A tab that nobody sees gives its connection back, of which a browser has six to a server. */
const HIDDEN = 60_000;

/** Keeps one stream open as long as somebody listens, the tab is seen and there is a token. */
export class LiveObjects {
  private snapshot: Snapshot = {
    connection: 'connecting',
    refusal: '',
    objects: new Map(),
  };
  private pending = this.snapshot;
  private telling = false;
  private readonly listeners = new Set<() => void>();
  private running: AbortController | null = null;
  private refusal = '';
  private hiding: ReturnType<typeof setTimeout> | undefined;

  readonly get = (): Snapshot => this.snapshot;

  readonly listen = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    if (this.listeners.size === 1) this.start();
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.stop();
    };
  };

  private start(): void {
    document.addEventListener('visibilitychange', this.visibilityChanged);
    this.open();
  }

  private stop(): void {
    document.removeEventListener('visibilitychange', this.visibilityChanged);
    clearTimeout(this.hiding);
    this.close();
  }

  private readonly visibilityChanged = (): void => {
    clearTimeout(this.hiding);
    if (document.hidden) this.hiding = setTimeout(() => this.close(), HIDDEN);
    else this.open();
  };

  private open(): void {
    if (this.running !== null) return;
    this.running = new AbortController();
    void this.run(this.running.signal);
  }

  private close(): void {
    this.running?.abort();
    this.running = null;
  }

  private async run(stopped: AbortSignal): Promise<void> {
    let pause = FIRST_PAUSE;
    while (!stopped.aborted) {
      this.refusal = '';
      const lived = await this.follow(stopped);
      if (stopped.aborted) return;
      this.publish({ ...this.pending, connection: 'lost', refusal: this.refusal });
      pause = lived ? FIRST_PAUSE : Math.min(pause * 2, LONGEST_PAUSE);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /** One stream, until it ends. Whether it told all objects. */
  private async follow(stopped: AbortSignal): Promise<boolean> {
    const ended = new AbortController();
    const end = (): void => ended.abort();
    stopped.addEventListener('abort', end);
    let silence = setTimeout(end, SILENCE);
    let complete = false;
    try {
      const accept = { ...headers(), Accept: 'text/event-stream' };
      const answer = await fetch(STREAM, { headers: accept, signal: ended.signal });
      if (answer.status === 401) session.end();
      if (answer.status === 403) this.refusal = refused(403, await answer.text()).message;
      if (!answer.ok || answer.body === null) return false;
      // What is shown stays until the new objects are there as a whole.
      let objects: ReadonlyMap<string, AnyObject> = new Map();
      for await (const received of events(answer.body)) {
        clearTimeout(silence);
        silence = setTimeout(end, SILENCE);
        objects = after(objects, received);
        complete ||= received.some(endsInitial);
        if (complete) this.publish({ connection: 'live', refusal: '', objects });
      }
    } catch {
      // The server went away, or the stream fell silent: the next one begins with all objects.
    } finally {
      clearTimeout(silence);
      stopped.removeEventListener('abort', end);
    }
    return complete;
  }

  /** At once, unless it comes right after another: then pages are drawn for both together. */
  private publish(snapshot: Snapshot): void {
    this.pending = snapshot;
    if (!this.telling) void this.tell();
  }

  private async tell(): Promise<void> {
    this.telling = true;
    while (this.pending !== this.snapshot) {
      await whenReleased();
      this.snapshot = this.pending;
      this.listeners.forEach((each) => each());
      await new Promise((resolve) => setTimeout(resolve, BETWEEN));
    }
    this.telling = false;
  }
}
