/** 变更历史: who changed what, when and why; the newest first. */
import { Button, Empty } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { revisions, type Page, type Revision } from '../api/reads';
import { Answer } from '../parts/Answer';
import { Heading } from '../parts/Heading';
import { useAsked, useLatest } from '../parts/hooks';
import { ObjectTable } from '../parts/ObjectTable';
import { summary, useDates } from '../parts/words';
import { link } from '../routes';

export function History() {
  const { t } = useTranslation();
  const newest = useAsked(() => revisions(), 'newest', { latest: useLatest() });
  return (
    <>
      <Heading title={t('history.title')} />
      <Answer asked={newest}>
        {(page) => <Revisions key={page.items[0]?.metadata.name} first={page} />}
      </Answer>
    </>
  );
}

/** `first` is the page of the newest; older ones are asked for. */
function Revisions({ first }: { first: Page<Revision> }) {
  const { t } = useTranslation();
  const dates = useDates();
  const [older, setOlder] = useState<Page<Revision>>({ items: [], next: first.next });
  const [asking, setAsking] = useState(false);
  if (first.items.length === 0) {
    return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('history.empty')} />;
  }
  const more = async (): Promise<void> => {
    setAsking(true);
    try {
      const page = await revisions(older.next);
      setOlder({ items: [...older.items, ...page.items], next: page.next });
    } finally {
      setAsking(false);
    }
  };
  return (
    <>
      <ObjectTable<Revision>
        label={t('history.title')}
        objects={[...first.items, ...older.items]}
        columns={[
          {
            title: t('history.revision'),
            cell: ({ metadata }) => <a href={link('history', metadata.name)}>{metadata.name}</a>,
          },
          {
            title: t('history.when'),
            cell: ({ metadata }) => (
              <span className="nowrap">{dates.format(new Date(metadata.creationTimestamp))}</span>
            ),
          },
          { title: t('history.who'), cell: ({ spec }) => <bdi>{spec.author}</bdi> },
          { title: t('history.source'), cell: ({ spec }) => <bdi className="nowrap">{spec.source}</bdi> },
          {
            title: t('history.what'),
            cell: ({ status }) => (
              <>
                {summary(t, status.changes)}
                <div className="secondary">{names(status.changes)}</div>
              </>
            ),
          },
          { title: t('history.why'), cell: ({ spec }) => <bdi>{spec.message}</bdi> },
        ]}
      />
      {older.next !== '' && (
        <Button loading={asking} onClick={() => void more()}>
          {t('history.more')}
        </Button>
      )}
    </>
  );
}

const MOST_NAMES = 5;

function names(changes: Revision['status']['changes']): string {
  const all = changes.map(({ resource, name }) => `${resource.split('.')[0]}/${name}`);
  return [...all.slice(0, MOST_NAMES), ...(all.length > MOST_NAMES ? ['…'] : [])].join(', ');
}
