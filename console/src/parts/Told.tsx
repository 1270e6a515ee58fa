/**
 * What the server says, which is in English: below a sentence of the chosen language, where there is
 * one for the reason.
 */
import { useTranslation } from 'react-i18next';

import type { Reasoned } from '../texts/reasons';
import { heading } from './words';

interface Props {
  of: Reasoned;
  reason: string;
  text: string;
}

export function Told({ of, reason, text }: Props) {
  const { i18n } = useTranslation();
  const above = heading(i18n, of, reason);
  if (above === '') return text;
  return (
    <>
      {above}
      <span className="told" lang="en">
        {text}
      </span>
    </>
  );
}
