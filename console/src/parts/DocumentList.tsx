/** Documents by their titles, and the one that is chosen: its YAML, or how it differs. */
import { Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Compared } from '../generated/documents';
import { lineDiff } from '../generated/lineDiff';
import { yaml } from '../generated/yaml';
import { Copy } from './Copy';
import { Diff } from './Diff';

/** More titles than anybody reads; a search leads to the others. */
const MOST_TITLES = 200;
/** Modules and certificates are longer than anybody reads. */
const LONGEST_TEXT = 1_000;

const COLOURS = { same: 'default', added: 'success', changed: 'processing', removed: 'error' } as const;

interface Props {
  documents: readonly Compared[];
  comparing: boolean;
}

export function DocumentList({ documents, comparing }: Props) {
  const { t } = useTranslation();
  const [title, setTitle] = useState('');
  const chosen = documents.find((each) => each.title === title) ?? documents[0];
  const more = documents.length - MOST_TITLES;
  return (
    <div className="documents">
      <nav aria-label={t('generated.documents')}>
        <ul>
          {documents.slice(0, MOST_TITLES).map((each) => (
            <li key={each.title}>
              <button
                type="button"
                aria-current={each === chosen}
                onClick={() => setTitle(each.title)}
              >
                {each.title}{' '}
                {comparing && (
                  <Tag color={COLOURS[each.change]}>{t(`generated.change.${each.change}`)}</Tag>
                )}
              </button>
            </li>
          ))}
        </ul>
        {more > 0 && <p className="secondary">{t('generated.more', { count: more })}</p>}
      </nav>
      {chosen && <Chosen document={chosen} comparing={comparing} />}
    </div>
  );
}

function Chosen({ document, comparing }: { document: Compared; comparing: boolean }) {
  const text = yaml(document.document, LONGEST_TEXT);
  if (comparing && document.change !== 'same') {
    const before = document.before === null ? '' : yaml(document.before, LONGEST_TEXT);
    const lines = lineDiff(before, document.change === 'removed' ? '' : text);
    return <Diff title={document.title} lines={lines} />;
  }
  return (
    <figure className="diff">
      <figcaption>
        <code>{document.title}</code> <Copy text={yaml(document.document)} />
      </figcaption>
      <pre tabIndex={0}>{text}</pre>
    </figure>
  );
}
