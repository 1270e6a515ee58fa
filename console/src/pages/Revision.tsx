/** One revision: what each field was and is, and the way back to it. */
import { Alert, Button, Descriptions, Tag, Typography } from 'antd';
import { useContext, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { revision as read, type ObjectChange, type Revision as OneRevision } from '../api/reads';
import { Refused } from '../api/requests';
import { rollBack } from '../api/reviews';
import { lineDiff } from '../generated/lineDiff';
import { yaml } from '../generated/yaml';
import { Answer } from '../parts/Answer';
import { ConfirmChange, type Planned } from '../parts/ConfirmChange';
import { Diff } from '../parts/Diff';
import { Heading } from '../parts/Heading';
import { go, useAsked, Who } from '../parts/hooks';
import { Missing } from '../parts/Missing';
import { useDates } from '../parts/words';
import { link } from '../routes';

const NOT_FOUND = 404;

export function Revision({ number }: { number: string }) {
  const { t } = useTranslation();
  const asked = useAsked(() => known(number), number);
  return (
    <Answer asked={asked}>
      {(found) =>
        found === 'unknown' ? (
          <Missing
            text={t('history.older', { number })}
            to={link('history')}
            where={t('history.title')}
          />
        ) : (
          <Shown revision={found} />
        )
      }
    </Answer>
  );
}

async function known(number: string): Promise<OneRevision | 'unknown'> {
  try {
    return await read(number);
  } catch (error) {
    if (error instanceof Refused && error.code === NOT_FOUND) return 'unknown';
    throw error;
  }
}

function Shown({ revision: { metadata, spec, status } }: { revision: OneRevision }) {
  const { t } = useTranslation();
  const dates = useDates();
  const [planned, setPlanned] = useState<Planned | null>(null);
  const number = metadata.name;
  const mayRollBack = useContext(Who).scopes.includes('admin');
  return (
    <>
      <Heading
        title={t('history.of', { number })}
        trail={[{ name: t('history.title'), to: link('history') }]}
      >
        {mayRollBack && (
          <Button onClick={() => setPlanned(rollback(number))}>{t('history.rollBack')}</Button>
        )}
      </Heading>
      <Descriptions
        size="small"
        column={{ xs: 1, md: 2 }}
        items={[
          {
            key: 'when',
            label: t('history.when'),
            children: dates.format(new Date(metadata.creationTimestamp)),
          },
          { key: 'who', label: t('history.who'), children: <bdi>{spec.author}</bdi> },
          { key: 'source', label: t('history.source'), children: <bdi>{spec.source}</bdi> },
          { key: 'why', label: t('history.why'), children: <bdi>{spec.message}</bdi> },
        ]}
      />
      {status.changes.map((change) => (
        <ObjectDiff key={`${change.resource}/${change.namespace}/${change.name}`} change={change} />
      ))}
      {planned && <ConfirmChange planned={planned} onClose={() => setPlanned(null)} />}
    </>
  );

  function rollback(to: string): Planned {
    return {
      title: t('history.rollBackTo', { number: to }),
      hint: t('history.rollBackHint', { number: to }),
      confirm: t('history.rollBack'),
      done: t('history.rolledBack', { number: to }),
      preview: () => rollBack(Number(to), { dryRun: true }),
      act: async () => {
        await rollBack(Number(to));
        go(link('history'));
      },
    };
  }
}

const COLOURS = { created: 'success', changed: 'processing', deleted: 'error' } as const;

function ObjectDiff({ change }: { change: ObjectChange }) {
  const { t } = useTranslation();
  const { operation, resource, namespace, name, fields = [] } = change;
  return (
    <section>
      <Typography.Title level={2}>
        {resource.split('.')[0]}/<bdi>{name}</bdi> {namespace && <>({namespace})</>}{' '}
        <Tag color={COLOURS[operation]}>{t(`history.operation.${operation}`)}</Tag>
      </Typography.Title>
      {fields.length === 0 && <Alert type="info" title={t('history.nothing')} />}
      {fields.map(({ field, before, after }) => (
        <Diff key={field} title={field} lines={lineDiff(text(before), text(after))} />
      ))}
    </section>
  );
}

/** null is nothing: not even a line. */
function text(value: unknown): string {
  return value === null || value === undefined ? '' : yaml(value).trimEnd();
}
