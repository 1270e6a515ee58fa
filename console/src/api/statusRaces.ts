/**
 * Writing an object while its status changes. A status that is reported makes a new version of the
 * object, so a write of the version before is refused (409), although nobody else edited it.
 */
import { Refused } from './requests';
import type { Written } from './kinds';

/** What is to be written now; `outdated` if somebody else changed its spec meanwhile. */
export interface Draft {
  object: Written;
  outdated: boolean;
}

const CONFLICT = 409;

/** Writes once more where the newer version differs in nothing that somebody edited. `caughtUp`
 * waits until the page has probably learned of it. */
export async function writeLatest(
  write: (object: Written) => Promise<void>,
  latest: () => Draft,
  caughtUp: () => Promise<void>,
): Promise<void> {
  const { object } = latest();
  try {
    await write(object);
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== CONFLICT) throw error;
    await caughtUp();
    const next = latest();
    const same = next.object.metadata.resourceVersion === object.metadata.resourceVersion;
    if (next.outdated || same) throw error;
    await write(next.object);
  }
}
