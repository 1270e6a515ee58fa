/** Two texts and where they differ, by marks as well as colours. */
import { useTranslation } from 'react-i18next';

import { excerpt, type DiffLine } from '../generated/lineDiff';

const CLASSES = { ' ': 'same', '-': 'gone', '+': 'new' } as const;

export function Diff({ title, lines }: { title: string; lines: readonly DiffLine[] }) {
  const { t } = useTranslation();
  const shown = excerpt(lines).filter((line) => line === null || line.mark === ' ' || line.text !== '');
  return (
    <figure className="diff">
      <figcaption>
        <code>{title}</code>
      </figcaption>
      <pre tabIndex={0}>
        {shown.map((line, index) =>
          line === null ? (
            <span key={index} className="left-out" title={t('generated.leftOut')}>
              {'⋯\n'}
            </span>
          ) : (
            <span key={index} className={CLASSES[line.mark]}>
              {`${line.mark} ${line.text}\n`}
            </span>
          ),
        )}
      </pre>
    </figure>
  );
}
