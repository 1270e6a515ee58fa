/** Objects that were deleted while somebody had them open, and are created again. */
import type { Written } from '../api/kinds';

/** The object without what the server filled in. */
export function anew<T extends Written>(object: T): T {
  const { name, labels, annotations } = object.metadata;
  const metadata = { name, ...(labels && { labels }), ...(annotations && { annotations }) };
  const { status, declaredBy, ...rest } = object;
  void [status, declaredBy];
  return { ...rest, metadata } as T;
}
