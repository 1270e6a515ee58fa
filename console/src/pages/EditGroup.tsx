/** 创建泳道组: the fields of a lane group, in the order of ASM's console. */
import { Checkbox, Input, Radio, Select } from 'antd';
import { useTranslation } from 'react-i18next';

import type { LaneGroup } from '../api/kinds';
import { ofKind } from '../api/objects';
import { at } from '../lanes/findings';
import { emptyGroup, groupManifest, groupValues, type GroupValues } from '../lanes/groupForm';
import * as references from '../lanes/references';
import { EditorPage } from '../parts/EditorPage';
import { Field } from '../parts/Field';
import { useMayEditGroup, useObjects } from '../parts/hooks';
import { ServicesTransfer } from '../parts/ServicesTransfer';
import { useForm } from '../parts/useForm';
import { groupLink, groupsLink } from '../routes';

const PATHS = [
  'metadata.name',
  'spec.gateway',
  'spec.mode',
  'spec.traceHeader',
  'spec.routeHeader',
  'spec.services',
];

interface Props {
  before?: LaneGroup | undefined;
  isGone?: boolean;
}

export function EditGroup({ before, isGone = false }: Props) {
  const { t } = useTranslation();
  const name = before?.metadata.name ?? '';
  const objects = useObjects();
  const gateways = ofKind(objects, 'Gateway').map(({ metadata }) => references.of(metadata));
  const services = ofKind(objects, 'Service').map(({ metadata }) => references.of(metadata));
  const [only = '', ...others] = gateways;
  const fresh = { ...emptyGroup, gateway: others.length === 0 ? only : '' };
  const current = before ? groupValues(before) : fresh;
  const form = useForm(`group.${name}`, current, before?.metadata.generation);
  const mayEdit = useMayEditGroup(name);
  const { values, change } = form;
  const strict = values.mode === 'strict';
  const shared = values.traceIsRoute && !strict;
  return (
    <EditorPage<GroupValues>
      title={before ? t('group.edit', { name }) : t('group.new')}
      trail={[
        { name: t('groups.title'), to: groupsLink },
        ...(before && !isGone ? [{ name, to: groupLink(name) }] : []),
      ]}
      form={form}
      object={(each) => groupManifest(each, before)}
      before={before}
      isGone={isGone}
      paths={PATHS}
      mayEdit={mayEdit}
      back={before && !isGone ? groupLink(name) : groupsLink}
      saved={groupLink(before ? name : values.name.trim())}
    >
      {(findings) => (
        <>
          <Field label={t('group.name')} required findings={at(findings, 'metadata.name')}>
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
          <Field label={t('group.gateway')} findings={at(findings, 'spec.gateway')}>
            {(id, described) => (
              <Select
                id={id}
                {...described}
                value={values.gateway}
                onChange={(gateway) => change({ gateway })}
                options={[
                  { value: '', label: t('group.gatewayNone') },
                  ...[...new Set([...gateways, values.gateway])]
                    .filter((each) => each !== '')
                    .map((each) => ({ value: each, label: references.shown(each) })),
                ]}
              />
            )}
          </Field>
          <Field
            label={t('group.mode')}
            hint={strict ? t('group.strictHint') : t('group.permissiveHint')}
            findings={at(findings, 'spec.mode')}
            group
          >
            {() => (
              <Radio.Group
                value={values.mode}
                onChange={({ target }) => change({ mode: target.value as GroupValues['mode'] })}
                options={[
                  { value: 'strict', label: t('group.strict') },
                  { value: 'permissive', label: t('group.permissive') },
                ]}
              />
            )}
          </Field>
          <fieldset>
            <legend>{t('group.headers')}</legend>
            {!strict && (
              <>
                <Field
                  label={t('group.traceHeader')}
                  hint={t('group.traceHeaderHint')}
                  required
                  findings={at(findings, shared ? 'spec.routeHeader' : 'spec.traceHeader')}
                >
                  {(id, described) => (
                    <Input
                      id={id}
                      {...described}
                      value={values.traceHeader}
                      onChange={({ target }) => change({ traceHeader: target.value })}
                      autoComplete="off"
                    />
                  )}
                </Field>
                <Checkbox
                  className="same"
                  checked={values.traceIsRoute}
                  onChange={({ target }) => change({ traceIsRoute: target.checked })}
                >
                  {t('group.same')}
                </Checkbox>
              </>
            )}
            <Field
              label={t('group.routeHeader')}
              required
              findings={shared ? [] : at(findings, 'spec.routeHeader')}
            >
              {(id, described) => (
                <Input
                  id={id}
                  {...described}
                  value={shared ? values.traceHeader : values.routeHeader}
                  disabled={shared || !mayEdit}
                  onChange={({ target }) => change({ routeHeader: target.value })}
                  autoComplete="off"
                />
              )}
            </Field>
          </fieldset>
          <Field label={t('group.services')} required findings={at(findings, 'spec.services')} group>
            {() => (
              <ServicesTransfer
                services={services}
                chosen={values.services}
                disabled={!mayEdit}
                onChange={(chosen) => change({ services: chosen })}
              />
            )}
          </Field>
        </>
      )}
    </EditorPage>
  );
}
