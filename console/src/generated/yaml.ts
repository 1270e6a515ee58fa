/** Plain data as YAML: block style, with strings quoted as in JSON wherever they need it. */

/** What reads as the string that it is, in YAML 1.1 and 1.2. */
const PLAIN = /^[A-Za-z_/][A-Za-z0-9_./@-]*( [A-Za-z0-9_./@-]+)*$/;
const WORDS = /^(true|false|yes|no|on|off|y|n|null|nan|inf)$/i;

/** Strings longer than `longest` are cut, for showing. */
export function yaml(value: unknown, longest = Infinity): string {
  return `${block(value, '', longest).join('\n')}\n`;
}

function block(value: unknown, indent: string, longest: number): string[] {
  if (Array.isArray(value) && value.length > 0) {
    return value.flatMap((each) => {
      const [first = '', ...rest] = block(each, `${indent}  `, longest);
      return [`${indent}- ${first.trimStart()}`, ...rest];
    });
  }
  const entries = isMapping(value) ? Object.entries(value).filter(([, v]) => v !== undefined) : [];
  if (entries.length === 0) return [indent + scalar(value, longest)];
  return entries.flatMap(([key, each]) => {
    const name = `${indent}${text(key)}:`;
    if (isEmpty(each)) return [`${name} ${scalar(each, longest)}`];
    return [name, ...block(each, Array.isArray(each) ? indent : `${indent}  `, longest)];
  });
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Scalars, and mappings and lists without anything in them. */
function isEmpty(value: unknown): boolean {
  return typeof value !== 'object' || value === null || Object.keys(value).length === 0;
}

function scalar(value: unknown, longest: number): string {
  if (typeof value !== 'string') return JSON.stringify(value ?? null);
  if (value.length <= longest) return text(value);
  return `${text(value.slice(0, longest))} # ${value.length - longest} more`;
}

function text(value: string): string {
  return PLAIN.test(value) && !WORDS.test(value) ? value : JSON.stringify(value);
}

/** The same data with the fields of mappings by name: texts of equal data are equal. */
export function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isMapping(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, ordered(value[name])]));
}
