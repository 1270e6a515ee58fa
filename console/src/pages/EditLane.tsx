/** 创建泳道: a lane's name, the labels of its workloads, and its services. */
import { MinusCircleOutlined, PlusOutlined } from '@ant-design/icons';
import { AutoComplete, Button, Input, Space, Switch } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Lane, LaneGroup } from '../api/kinds';
import { ofKind } from '../api/objects';
import { isInCluster } from '../api/place';
import { at } from '../lanes/findings';
import { emptyLane, laneManifest, laneValues, localTime, type LaneValues } from '../lanes/laneForm';
import { labelNames, labelValues, lanesOf, servicesOf, type Label } from '../lanes/lanes';
import { matching, workloadsOf } from '../lanes/workloads';
import { EditorPage } from '../parts/EditorPage';
import { Field } from '../parts/Field';
import { useMayEditLanes, useObjects } from '../parts/hooks';
import { ServicesTransfer } from '../parts/ServicesTransfer';
import { useForm } from '../parts/useForm';
import { groupLink, groupsLink } from '../routes';

const PATHS = [
  'metadata.name',
  'spec.selector',
  'spec.services',
  'spec.enabled',
  'spec.owner',
  'spec.expiresAt',
];
/** Days until a lane expires that are offered. */
const LIVES = { day: 1, week: 7, month: 30 } as const;

interface Props {
  group: LaneGroup;
  before?: Lane | undefined;
  isGone?: boolean;
}

export function EditLane({ group, before, isGone = false }: Props) {
  const { t } = useTranslation();
  const objects = useObjects();
  const groupName = group.metadata.name;
  const name = before?.metadata.name ?? '';
  const others = lanesOf(group, ofKind(objects, 'Lane'));
  const current = before ? laneValues(before, group) : emptyLane(group, others);
  const form = useForm(`lane.${groupName}.${name}`, current, before?.metadata.generation);
  const mayEdit = useMayEditLanes(groupName);
  const { values, change } = form;
  return (
    <EditorPage<LaneValues>
      title={before ? t('lane.edit', { name }) : t('lane.newIn', { group: groupName })}
      trail={[
        { name: t('groups.title'), to: groupsLink },
        { name: groupName, to: groupLink(groupName) },
      ]}
      form={form}
      object={(each) => laneManifest(each, group, before)}
      before={before}
      isGone={isGone}
      paths={PATHS}
      mayEdit={mayEdit}
      back={groupLink(groupName)}
      saved={groupLink(groupName)}
    >
      {(findings) => (
        <>
          <Field
            label={t('lane.name')}
            hint={t('lane.nameHint', { header: group.spec.routeHeader })}
            required
            findings={at(findings, 'metadata.name')}
          >
            {(id, described) => (
              <Input
                id={id}
                {...described}
                value={values.name}
                disabled={before !== undefined || !mayEdit}
                onChange={({ target }) => change({ name: target.value })}
                autoComplete="off"
              />
            )}
          </Field>
          <Field
            label={t('lane.labels')}
            hint={t('lane.labelsHint')}
            required
            findings={at(findings, 'spec.selector')}
            group
          >
            {() => (
              <Labels
                group={group}
                values={values}
                disabled={!mayEdit}
                onChange={(labels) => change({ labels })}
              />
            )}
          </Field>
          <Field label={t('lane.services')} required findings={at(findings, 'spec.services')} group>
            {() => (
              <ServicesTransfer
                services={servicesOf(group)}
                chosen={values.services}
                disabled={!mayEdit}
                onChange={(services) => change({ services })}
              />
            )}
          </Field>
          <Field
            label={t('lane.enabled')}
            hint={t('lane.enabledHint')}
            findings={at(findings, 'spec.enabled')}
          >
            {(id, described) => (
              <Switch
                id={id}
                {...described}
                checked={values.enabled}
                onChange={(enabled) => change({ enabled })}
              />
            )}
          </Field>
          <Field
            label={t('lane.owner')}
            hint={t('lane.ownerHint')}
            findings={at(findings, 'spec.owner')}
          >
            {(id, described) => (
              <Input
                id={id}
                {...described}
                value={values.owner}
                onChange={({ target }) => change({ owner: target.value })}
                autoComplete="off"
              />
            )}
          </Field>
          <Field
            label={t('lane.expires')}
            hint={t('lane.expiresHint')}
            findings={at(findings, 'spec.expiresAt')}
          >
            {(id, described) => (
              <Expires
                id={id}
                described={described}
                value={values.expires}
                onChange={(expires) => change({ expires })}
              />
            )}
          </Field>
        </>
      )}
    </EditorPage>
  );
}

interface ExpiresProps {
  id: string;
  described: object;
  value: string;
  onChange: (expires: string) => void;
}

function Expires({ id, described, value, onChange }: ExpiresProps) {
  const { t } = useTranslation();
  const after = (days: number): string => {
    const time = new Date();
    time.setDate(time.getDate() + days);
    return localTime(time);
  };
  return (
    <Space wrap>
      <Input
        id={id}
        {...described}
        type="datetime-local"
        value={value}
        onChange={({ target }) => onChange(target.value)}
      />
      {(Object.keys(LIVES) as (keyof typeof LIVES)[]).map((life) => (
        <Button key={life} size="small" onClick={() => onChange(after(LIVES[life]))}>
          {t(`lane.expiresIn.${life}`)}
        </Button>
      ))}
      <Button size="small" onClick={() => onChange('')}>
        {t('lane.expiresIn.never')}
      </Button>
    </Space>
  );
}

interface LabelsProps {
  group: LaneGroup;
  values: LaneValues;
  disabled: boolean;
  onChange: (labels: Label[]) => void;
}

function Labels({ group, values, disabled, onChange }: LabelsProps) {
  const { t } = useTranslation();
  const objects = useObjects();
  const services = ofKind(objects, 'Service');
  const workloads = ofKind(objects, 'Workload');
  const candidates = workloadsOf(workloads, services, servicesOf(group));
  const found = matching(workloadsOf(workloads, services, values.services), values.labels);
  const { labels } = values;
  const set = (index: number, changed: Partial<Label>): void =>
    onChange(labels.map((each, i) => (i === index ? { ...each, ...changed } : each)));
  // The console does not read the pods of a cluster; the lane's status counts them.
  const complete =
    !isInCluster() &&
    labels.some(({ name, value }) => name && value) &&
    values.services.length > 0;
  return (
    <>
      {labels.map((label, index) => (
        <Space key={index} className="pair" wrap>
          <AutoComplete
            aria-label={t('lane.labelName')}
            placeholder={t('lane.labelName')}
            value={label.name}
            disabled={disabled}
            options={labelNames(candidates).map((value) => ({ value }))}
            showSearch={{ filterOption: contains }}
            onChange={(name: string) => set(index, { name })}
          />
          <AutoComplete
            aria-label={t('lane.labelValue')}
            placeholder={t('lane.labelValue')}
            value={label.value}
            disabled={disabled}
            options={labelValues(candidates, label.name).map((value) => ({ value }))}
            showSearch={{ filterOption: contains }}
            onChange={(value: string) => set(index, { value })}
          />
          {labels.length > 1 && (
            <Button
              type="text"
              icon={<MinusCircleOutlined aria-hidden />}
              aria-label={`${t('actions.remove')} ${label.name}`}
              onClick={() => onChange(labels.filter((_, i) => i !== index))}
            />
          )}
        </Space>
      ))}
      <Button
        type="link"
        size="small"
        icon={<PlusOutlined aria-hidden />}
        onClick={() => onChange([...labels, { name: '', value: '' }])}
      >
        {t('lane.addLabel')}
      </Button>
      {complete && (
        <div className="matching" aria-live="polite">
          {found.length > 0
            ? t('lane.matching', { names: found.map(({ metadata }) => metadata.name).join(', ') })
            : t('lane.matchingNone')}
        </div>
      )}
    </>
  );
}

function contains(text: string, option: { value?: unknown } | undefined): boolean {
  return String(option?.value ?? '').toLowerCase().includes(text.toLowerCase());
}
