/**
 * Server-sent events, read by `fetch`: the browser's own EventSource can send no token.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { AnyObject } from './kinds';

export type StreamEvent =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: AnyObject }
  | { type: 'BOOKMARK'; object: { metadata: { annotations?: Record<string, string> } } };

/** The `data` of every event that is complete in `text`, and the rest of it. */
export function completeEvents(text: string): { data: string[]; rest: string } {
  const blocks = text.split('\n\n');
  const rest = blocks.pop() ?? '';
  const data = blocks
    .map((block) =>
      block
        .split('\n')
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice('data:'.length).replace(/^ /, ''))
        .join('\n'),
    )
    .filter((each) => each !== '');
  return { data, rest };
}

/** The events of an answer, in lots as they arrive. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent[]> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const { data, rest } = completeEvents(text + decoder.decode(value, { stream: true }));
    text = rest;
    if (data.length > 0) yield data.map((each) => JSON.parse(each) as StreamEvent);
  }
}

export function endsInitial(event: StreamEvent): boolean {
  return (
    event.type === 'BOOKMARK' &&
    event.object.metadata.annotations?.['k8s.io/initial-events-end'] === 'true'
  );
}
