/** Dates and counts in the words of the chosen language. */
import type { i18n, TFunction } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';

import type { ObjectChange } from '../api/reads';
import type { Reason } from '../api/trials';
import type { Reasoned } from '../texts/reasons';

export function useDates(): Intl.DateTimeFormat {
  const { language } = useTranslation().i18n;
  return useMemo(
    () => new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }),
    [language],
  );
}

export function useNumbers(): Intl.NumberFormat {
  const { language } = useTranslation().i18n;
  return useMemo(() => new Intl.NumberFormat(language, { maximumFractionDigits: 1 }), [language]);
}

/** Of shares: 1 is 100 %. */
export function usePercents(): Intl.NumberFormat {
  const { language } = useTranslation().i18n;
  return useMemo(
    () => new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 }),
    [language],
  );
}

/** A reason of the simulator in the chosen language, else in English as the API gives it. */
export function said(i18n: i18n, { text, phrase = '', arguments: replace = {} }: Reason): string {
  const key = `phrases.${phrase}`;
  // What stands in the text may look like a placeholder, so it is no default of a translation.
  return i18n.exists(key) ? i18n.t(key, { replace, defaultValue: '' }) : text;
}

/**
 * What a reason means in the chosen language: the heading of what the server says. "" where there is
 * none, so that its own words stand alone: in English, and for a reason of a newer server.
 */
export function heading(i18n: i18n, of: Reasoned, reason = ''): string {
  const key = `reasons.${of}.${reason}`;
  return reason !== '' && i18n.exists(key) ? i18n.t(key, { defaultValue: '' }) : '';
}

/** How many objects were created, changed and deleted. */
export function summary(t: TFunction, changes: readonly ObjectChange[]): string {
  const list = (['created', 'changed', 'deleted'] as const)
    .map((each) => ({ each, count: changes.filter(({ operation }) => operation === each).length }))
    .filter(({ count }) => count > 0)
    .map(({ each, count }) => t(`history.counted.${each}`, { count }));
  return list.join(t('comma'));
}
