/** The fields of a request that is to be tried. */
import { MinusCircleOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Input, InputNumber, Select, Space } from 'antd';
import { useTranslation } from 'react-i18next';

import { ofKind } from '../api/objects';
import type { Finding } from '../api/requests';
import { at } from '../lanes/findings';
import * as references from '../lanes/references';
import { METHODS, MOST, type Header, type TrialValues } from '../trials/trialForm';
import { Field } from './Field';
import { useObjects } from './hooks';

interface Props {
  values: TrialValues;
  findings: readonly Finding[];
  maySend: boolean;
  onChange: (changed: Partial<TrialValues>) => void;
}

export function TrialForm({ values, findings, maySend, onChange }: Props) {
  const { t } = useTranslation();
  const objects = useObjects();
  const gateways = ofKind(objects, 'Gateway').map(({ metadata }) => references.of(metadata));
  const lanes = ofKind(objects, 'Lane').map(({ metadata, spec }) => `${spec.group}/${metadata.name}`);
  const choices = (known: readonly string[], chosen: string, none: string) => [
    { value: '', label: none },
    ...[...new Set([...known, chosen])]
      .filter((each) => each !== '')
      .map((value) => ({ value, label: value })),
  ];
  return (
    <>
      <div className="columns">
        <Field label={t('try.host')} required findings={at(findings, 'spec.request.host')}>
          {(id, described) => (
            <Input
              id={id}
              {...described}
              value={values.host}
              onChange={({ target }) => onChange({ host: target.value })}
            />
          )}
        </Field>
        <Field label={t('try.path')} required findings={at(findings, 'spec.request.path')}>
          {(id, described) => (
            <Input
              id={id}
              {...described}
              value={values.path}
              onChange={({ target }) => onChange({ path: target.value })}
            />
          )}
        </Field>
        <Field label={t('try.method')} findings={at(findings, 'spec.request.method')}>
          {(id, described) => (
            <Select
              id={id}
              {...described}
              value={values.method}
              onChange={(method) => onChange({ method })}
              options={METHODS.map((value) => ({ value }))}
            />
          )}
        </Field>
        <Field label={t('try.lane')} findings={[]}>
          {(id, described) => (
            <Select
              id={id}
              {...described}
              showSearch
              value={values.lane}
              onChange={(lane) => onChange({ lane })}
              options={choices(lanes, values.lane, t('try.noLane'))}
            />
          )}
        </Field>
        <Field label={t('try.gateway')} findings={at(findings, 'spec.gateway')}>
          {(id, described) => (
            <Select
              id={id}
              {...described}
              value={values.gateway}
              onChange={(gateway) => onChange({ gateway })}
              options={choices(gateways, values.gateway, t('try.onlyGateway'))}
            />
          )}
        </Field>
        {maySend && (
          <Field label={t('try.count')} findings={at(findings, 'spec.count')}>
            {(id, described) => (
              <InputNumber
                id={id}
                {...described}
                min={1}
                max={MOST}
                precision={0}
                value={values.count}
                onChange={(count) => onChange({ count: count ?? 1 })}
              />
            )}
          </Field>
        )}
      </div>
      <Field label={t('try.headers')} findings={at(findings, 'spec.request.headers')} group>
        {() => <Headers headers={values.headers} onChange={(headers) => onChange({ headers })} />}
      </Field>
    </>
  );
}

interface HeadersProps {
  headers: Header[];
  onChange: (headers: Header[]) => void;
}

function Headers({ headers, onChange }: HeadersProps) {
  const { t } = useTranslation();
  const set = (index: number, changed: Partial<Header>): void =>
    onChange(headers.map((each, i) => (i === index ? { ...each, ...changed } : each)));
  return (
    <>
      {headers.map((header, index) => (
        <Space.Compact key={index} block className="pair">
          <Input
            aria-label={`${t('try.headers')}: ${t('try.headerName')}`}
            placeholder={t('try.headerName')}
            value={header.name}
            onChange={({ target }) => set(index, { name: target.value })}
          />
          <Input
            aria-label={`${t('try.headers')}: ${t('try.headerValue')}`}
            placeholder={t('try.headerValue')}
            value={header.value}
            onChange={({ target }) => set(index, { value: target.value })}
          />
          <Button
            icon={<MinusCircleOutlined aria-hidden />}
            aria-label={`${t('actions.remove')} ${header.name}`}
            onClick={() => onChange(headers.filter((_, i) => i !== index))}
          />
        </Space.Compact>
      ))}
      <Button
        type="link"
        size="small"
        icon={<PlusOutlined aria-hidden />}
        aria-label={`${t('actions.add')}: ${t('try.headers')}`}
        onClick={() => onChange([...headers, { name: '', value: '' }])}
      >
        {t('actions.add')}
      </Button>
    </>
  );
}
