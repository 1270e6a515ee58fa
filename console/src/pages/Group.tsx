/** One lane group: its settings, its lane map, and its lanes. */
import { PlusOutlined } from '@ant-design/icons';
import { Alert, Button, Descriptions, Empty, Space, Typography } from 'antd';
import { useDeferredValue, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Lane, LaneGroup } from '../api/kinds';
import { ofKind } from '../api/objects';
import { lanesOf, troubles } from '../lanes/lanes';
import * as references from '../lanes/references';
import { ConfirmChange, type Planned } from '../parts/ConfirmChange';
import { Delete } from '../parts/Delete';
import { Heading } from '../parts/Heading';
import { useMayEditGroup, useMayEditLanes, useObjects, useServed } from '../parts/hooks';
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
  const mayEditGroup = useMayEditGroup(name);
  const mayEditLanes = useMayEditLanes(name);
  const hasTraffic = useServed('traffic');
  const plans = usePlans(group);
  const [planned, setPlanned] = useState<Planned | null>(null);
  const create = mayEditLanes && (
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
          {hasTraffic && <Button href={link('traffic', name)}>{t('traffic.title')}</Button>}
          {mayEditGroup && (
            <>
              <Button href={groupLink(name, 'edit')}>{t('actions.edit')}</Button>
              {(mayEditLanes || lanes.length === 0) && (
                <Delete object={group} onClick={() => setPlanned(plans.removeGroup(lanes))} />
              )}
            </>
          )}
        </Space>
      </Heading>
      <Troubles objects={[group, ...lanes]} />
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
          <LanesTable
            group={group}
            lanes={calmLanes}
            mayEdit={mayEditLanes}
            mayEditGroup={mayEditGroup}
          />
        </>
      )}
      {planned && <ConfirmChange planned={planned} onClose={() => setPlanned(null)} />}
    </>
  );
}

/** There may be one for each of many lanes, so they take a part of the screen at most. */
function Troubles({ objects }: { objects: readonly (LaneGroup | Lane)[] }) {
  const { t } = useTranslation();
  const found = objects.flatMap((object) =>
    troubles(object).map((text) => `${object.kind} ${object.metadata.name}: ${text}`),
  );
  if (found.length === 0) return null;
  return (
    <section className="troubles" tabIndex={0} aria-label={t('group.troubles')}>
      {found.map((text) => (
        <Alert key={text} type="warning" showIcon className="trouble" title={text} />
      ))}
    </section>
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
