/** The console's pages as fragments of its URL, so that each can be linked to and bookmarked. */
import type { Served } from './lanes/rights';

export type Route =
  | { page: 'groups' }
  | { page: 'new-group' }
  | { page: 'group'; group: string }
  | { page: 'edit-group'; group: string }
  | { page: 'new-lane'; group: string }
  | { page: 'edit-lane'; group: string; lane: string }
  | { page: 'rules'; group: string; lane: string }
  | { page: 'weights'; group: string }
  | { page: 'history' }
  | { page: 'revision'; revision: string }
  | { page: 'proxies' }
  | { page: 'tap' }
  | { page: 'findings' }
  | { page: 'generated' }
  | { page: 'try'; query: string }
  | { page: 'traffic'; group: string }
  | { page: 'sign-in'; code: string }
  | { page: 'nowhere' };

export function read(fragment: string): Route {
  const [path = '', ...query] = fragment.replace(/^#?\/?/, '').split('?');
  const parts = path.split('/').map(decoded);
  const [first, second, third, fourth, fifth] = parts;
  if (first === '' && parts.length === 1) return { page: 'groups' };
  if (first === 'sign-in' && second) return { page: 'sign-in', code: second };
  if (first === 'new-group' && parts.length === 1) return { page: 'new-group' };
  if (parts.length === 1 && first === 'try') return { page: 'try', query: query.join('?') };
  if (first === 'traffic' && parts.length <= 2) return { page: 'traffic', group: second ?? '' };
  if (parts.length === 1 && isPlace(first)) return { page: first };
  if (first === 'history' && second && parts.length === 2) {
    return { page: 'revision', revision: second };
  }
  if (first !== 'groups' || !second) return { page: 'nowhere' };
  const group = second;
  if (parts.length === 2) return { page: 'group', group };
  if (third === 'edit' && parts.length === 3) return { page: 'edit-group', group };
  if (third === 'new-lane' && parts.length === 3) return { page: 'new-lane', group };
  if (third === 'weights' && parts.length === 3) return { page: 'weights', group };
  if (third === 'lanes' && fourth && parts.length === 4) {
    return { page: 'edit-lane', group, lane: fourth };
  }
  if (third === 'lanes' && fourth && fifth === 'rules' && parts.length === 5) {
    return { page: 'rules', group, lane: fourth };
  }
  return { page: 'nowhere' };
}

/** The pages of the menu besides the lane groups. */
export const PLACES = ['traffic', 'tap', 'try', 'findings', 'generated', 'proxies', 'history'] as const;
export type Place = (typeof PLACES)[number];

/** What a page shows that not every server has. */
const NEEDS: Partial<Record<Route['page'], Served>> = {
  traffic: 'traffic',
  tap: 'processes',
  try: 'explanations',
  findings: 'analyses',
  generated: 'renderings',
  proxies: 'proxies',
  history: 'revisions',
  revision: 'revisions',
};

export function neededBy({ page }: Pick<Route, 'page'>): Served | null {
  return NEEDS[page] ?? null;
}

function isPlace(word: string | undefined): word is Exclude<Place, 'traffic' | 'try'> {
  return PLACES.some((each) => each === word);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function link(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join('/')}`;
}

export const tryLink = (query = ''): string => (query === '' ? '#/try' : `#/try?${query}`);
export const groupsLink = '#/';
export const groupLink = (group: string, ...more: string[]): string =>
  link('groups', group, ...more);
