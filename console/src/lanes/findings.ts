/** Which findings of the API belong beside which field of a form. */
import type { Finding } from '../api/requests';

/** The findings of a field and of what is inside it. */
export function at(findings: readonly Finding[], path: string): Finding[] {
  return findings.filter(({ field }) => isWithin(field, path));
}

/** The findings that no field of the form shows. */
export function elsewhere(findings: readonly Finding[], paths: readonly string[]): Finding[] {
  return findings.filter(({ field }) => !paths.some((path) => isWithin(field, path)));
}

function isWithin(field: string, path: string): boolean {
  return field === path || field.startsWith(`${path}.`) || field.startsWith(`${path}[`);
}
