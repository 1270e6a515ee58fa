/** One lane group: its settings, its lane map, and its lanes. */
import { PlusOutlined } from '@ant-design/icons';
import { Alert, Button, Descriptions, Empty, Space, Typography } from 'antd';
import { useDeferredValue, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { LaneGroup } from '../api/kinds';
import { ofKind } from '../api/objects';
import { lanesOf, troubles } from '../lanes/lanes';
import * as references from '../lanes/references';
import { ConfirmChange, type Planned } from '../parts/ConfirmChange';
import { Delete } from '../parts/Delete';
import { Heading } from '../parts/Heading';
import { useMayEdit, useObjects } from '../parts/hooks';
import { usePlans } from '../parts/lanePlans';
import { LaneMap } from '../parts/LaneMap';
import { LanesTable } from '../parts/LanesTable';
import { StatusTag } from '../parts/StatusTag';
import { groupLink, groupsLink, link } from '../routes';

export function Group({ group }: { group: LaneGroup }) {
  const { t } = useTranslation();
  const objects = useObjects();
  const lanes = useMemo(() => lanesOf(group, ofKind(objects, 'Lane')), [group, objects]);
  // The table may be a moment late, so that the map stays smooth while much changes.
  const calmLanes = useDeferredValue(lanes);
  const name = group.metadata.name;
  const mayEdit = useMayEdit(name);
  const plans = usePlans(group);
  const [planned, setPlanned] = useState<Planned | null>(null);
  const create = mayEdit && (
    <Button type="primary" icon={<PlusOutlined aria-hidden />} href={groupLink(name, 'new-lane')}>
      {t('lane.new')}
    </Button>
  );
  return (
    <>
      <Heading
        title={name}
        status={<StatusTag object={group} />}
        trail={[{ name: t('groups.title'), to: groupsLink }]}
      >
        <Space wrap>
          <Button href={link('traffic', name)}>{t('traffic.title')}</Button>
          {mayEdit && (
            <>
              <Button href={groupLink(name, 'edit')}>{t('actions.edit')}</Button>
              <Delete object={group} onClick={() => setPlanned(plans.removeGroup(lanes))} />
            </>
          )}
        </Space>
      </Heading>
      {[group, ...lanes].flatMap((object) =>
        troubles(object).map((text) => (
          <Alert
            key={object.kind + object.metadata.name + text}
            type="warning"
            showIcon
            className="trouble"
            title={`${object.kind} ${object.metadata.name}: ${text}`}
          />
        )),
      )}
      <Settings group={group} />
      {lanes.length === 0 ? (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('lane.emptyTitle')}>
          {create}
        </Empty>
      ) : (
        <>
          <LaneMap group={group} lanes={lanes} />
          <div className="heading">
            <Typography.Title level={2}>{t('lane.lanes')}</Typography.Title>
            <Space wrap>
              <Button href={groupLink(name, 'weights')}>{t('weights.title')}</Button>
              {create}
            </Space>
          </div>
          <LanesTable group={group} lanes={calmLanes} mayEdit={mayEdit} />
        </>
      )}
      {planned && <ConfirmChange planned={planned} onClose={() => setPlanned(null)} />}
    </>
  );
}

function Settings({ group }: { group: LaneGroup }) {
  const { t } = useTranslation();
  const { spec } = group;
  const gateway = spec.gateway === undefined ? '–' : references.shown(references.read(spec.gateway));
  return (
    <Descriptions
      size="small"
      column={{ xs: 1, md: 2 }}
      items={[
        { key: 'mode', label: t('group.mode'), children: t(`group.${spec.mode}`) },
        { key: 'gateway', label: t('group.gateway'), children: gateway },
        {
          key: 'route',
          label: t('group.routeHeader'),
          children: <code>{spec.routeHeader}</code>,
        },
        {
          key: 'trace',
          label: t('group.traceHeader'),
          children: <code>{spec.traceHeader ?? spec.routeHeader}</code>,
        },
      ]}
    />
  );
}
