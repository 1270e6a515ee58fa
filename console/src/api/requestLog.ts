/** Requests as they end, from the access logs of all proxies. The server hides secrets. */
import { headers, OWN, refused, Unreachable } from './requests';
import * as session from './session';

/** Values are null where a proxy does not know them. */
export interface LoggedRequest {
  /** Which proxy sent the request on: `sidecar~NAME.NAMESPACE` or `router~NAME.NAMESPACE`. */
  proxy: string;
  time: string;
  method: string | null;
  path: string | null;
  /** null or 0 where the client had no answer. */
  status: number | null;
  duration_ms: number | null;
  service: string | null;
  lane: string | null;
  served: string | null;
  /** Those that the server was started to log. */
  headers?: Record<string, string | null>;
}

/** The lines that are complete in `text`, and the rest of it. */
export function completeLines(text: string): { lines: string[]; rest: string } {
  const lines = text.split('\n');
  const rest = lines.pop() ?? '';
  return { lines: lines.filter((each) => each !== ''), rest };
}

/** In lots as they arrive, until the server or the signal ends it. Throws `Refused` and
 * `Unreachable`. */
export async function* requestLog(
  query: string,
  signal: AbortSignal,
): AsyncGenerator<LoggedRequest[]> {
  let answer: Response;
  try {
    const path = `${OWN}/processes/log?access=true&follow=true&${query}`;
    answer = await fetch(path, { headers: headers(), signal, cache: 'no-store' });
  } catch (error) {
    throw new Unreachable(String(error));
  }
  if (answer.status === 401) session.end();
  if (!answer.ok || answer.body === null) throw refused(answer.status, await answer.text());
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const { lines, rest } = completeLines(text + decoder.decode(value, { stream: true }));
    text = rest;
    if (lines.length > 0) yield lines.map(logged);
  }
}

function logged(text: string): LoggedRequest {
  const { name, line } = JSON.parse(text) as { name: string; line: string };
  return { ...(JSON.parse(line) as LoggedRequest), proxy: name };
}
