/** 实时请求: requests as they end, at every hop, with the lane that was meant and the one that served. */
import { Alert, Button, Empty, Form, Input, Select, Space, Tag, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { ofKind } from '../api/objects';
import * as references from '../lanes/references';
import { Field } from '../parts/Field';
import { Heading } from '../parts/Heading';
import { useIsAdmin, useObjects } from '../parts/hooks';
import { ObjectTable, type Column } from '../parts/ObjectTable';
import { Told } from '../parts/Told';
import { useNumbers } from '../parts/words';
import { tryLink } from '../routes';
import { ALL, isError, MOST, sender, STATUSES, type Filter, type Row } from '../tap/tap';
import { useTap } from '../tap/useTap';

/** The proxies write no access logs, or not this header. */
const NOT_LOGGED = 409;

export function Tap() {
  const { t } = useTranslation();
  return (
    <>
      <Heading title={t('tap.title')} />
      <Typography.Paragraph type="secondary">{t('tap.intro', { count: MOST })}</Typography.Paragraph>
      {useIsAdmin() ? <Watching /> : <Alert type="info" showIcon title={t('tap.adminsOnly')} />}
    </>
  );
}

function Watching() {
  const { t } = useTranslation();
  const [filter, setFilter] = useState<Filter>(ALL);
  const [paused, setPaused] = useState(false);
  const { rows, wrong, clear } = useTap(filter, paused);
  return (
    <>
      <Filters filter={filter} onChange={(changed) => setFilter({ ...filter, ...changed })} />
      <Space className="above">
        <Button onClick={() => setPaused(!paused)} aria-pressed={paused}>
          {paused ? t('tap.resume') : t('tap.pause')}
        </Button>
        <Button onClick={clear} disabled={rows.length === 0}>
          {t('tap.clear')}
        </Button>
        <span className="secondary" role="status">
          {paused ? t('tap.paused') : wrong === null ? t('tap.watching') : ''}
        </span>
      </Space>
      {wrong !== null && (
        <Alert
          className="trouble"
          showIcon
          type={wrong.code === NOT_LOGGED ? 'info' : 'warning'}
          {...(wrong.code === NOT_LOGGED
            ? { title: t('tap.notLogged'), description: wrong.message }
            : { title: <Told of="problems" reason={wrong.reason} text={wrong.message} /> })}
        />
      )}
      {rows.length > 0 && <Requests rows={rows} />}
      {rows.length === 0 && wrong === null && (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('tap.none')}>
          <Button href={tryLink()}>{t('traffic.tryIt')}</Button>
        </Empty>
      )}
    </>
  );
}

interface FiltersProps {
  filter: Filter;
  onChange: (changed: Partial<Filter>) => void;
}

function Filters({ filter, onChange }: FiltersProps) {
  const { t } = useTranslation();
  const objects = useObjects();
  const lanes = ofKind(objects, 'Lane').map(({ metadata }) => metadata.name);
  const services = ofKind(objects, 'Service').map(({ metadata }) => references.of(metadata));
  const choice = (label: string, key: 'lane' | 'service' | 'status', options: Option[]) => (
    <Field label={label} findings={[]}>
      {(id) => (
        <Select
          id={id}
          showSearch
          value={filter[key]}
          onChange={(value) => onChange({ [key]: value })}
          options={[{ value: '', label: t('tap.any') }, ...options]}
        />
      )}
    </Field>
  );
  const text = (label: string, key: 'path' | 'header', placeholder: string) => (
    <Field label={label} findings={[]}>
      {(id) => (
        <Input
          id={id}
          allowClear
          placeholder={placeholder}
          value={filter[key]}
          onChange={({ target }) => onChange({ [key]: target.value })}
        />
      )}
    </Field>
  );
  return (
    <Form layout="vertical" className="columns">
      {choice(t('map.lane'), 'lane', [...new Set(lanes)].map((value) => ({ value, label: value })))}
      {choice(
        t('traffic.service'),
        'service',
        services.map((value) => ({ value, label: references.shown(value) })),
      )}
      {choice(
        t('tap.status'),
        'status',
        STATUSES.map((value) => ({ value, label: value === '0' ? t('tap.noAnswer') : value })),
      )}
      {text(t('tap.path'), 'path', '/api/')}
      {text(t('tap.header'), 'header', 'x-user: jill')}
    </Form>
  );
}

interface Option {
  value: string;
  label: string;
}

function Requests({ rows }: { rows: readonly Row[] }) {
  const { t, i18n } = useTranslation();
  const numbers = useNumbers();
  const times = new Intl.DateTimeFormat(i18n.language, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hour12: false,
  });
  const columns: Column<Row>[] = [
    { title: t('tap.time'), cell: ({ time }) => times.format(new Date(time)) },
    { title: t('tap.from'), cell: ({ proxy }) => <bdi>{sender(proxy)}</bdi> },
    {
      title: t('traffic.service'),
      cell: ({ service }) => (service === null ? '–' : references.shown(service)),
    },
    { title: t('traffic.intended'), cell: ({ lane }) => <Lane name={lane} /> },
    {
      title: t('traffic.served'),
      cell: ({ lane, served }) =>
        served !== null && served !== lane ? (
          <Tag color="warning">
            <bdi>{served}</bdi>
          </Tag>
        ) : (
          <Lane name={served} />
        ),
    },
    { title: t('tap.status'), cell: ({ status }) => <Status status={status} /> },
    {
      title: t('tap.milliseconds'),
      cell: ({ duration_ms: ms }) => (ms === null ? '–' : numbers.format(ms)),
    },
    { title: t('tap.request'), cell: (row) => <Request row={row} /> },
  ];
  return <ObjectTable<Row> label={t('tap.title')} objects={rows} columns={columns} />;
}

function Lane({ name }: { name: string | null }) {
  const { t } = useTranslation();
  if (name === '?') return <span className="secondary">{t('traffic.absent')}</span>;
  return name === null || name === '' ? '–' : <bdi>{name}</bdi>;
}

function Status({ status }: { status: number | null }) {
  const { t } = useTranslation();
  const text = status === null || status === 0 ? t('tap.noAnswer') : String(status);
  return isError(status) ? <Tag color="error">{text}</Tag> : text;
}

function Request({ row: { method, path, headers = {} } }: { row: Row }) {
  const sent = Object.entries(headers).filter(([, value]) => value !== null);
  return (
    <>
      <code>
        {method} {path}
      </code>
      {sent.map(([name, value]) => (
        <div key={name} className="secondary">
          <code>
            {name}: {value}
          </code>
        </div>
      ))}
    </>
  );
}
