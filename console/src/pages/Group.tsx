/** One lane group: its settings, its lane map, and its lanes. */
import { PlusOutlined } from '@ant-design/icons';
import { Button, Descriptions, Empty, Space, Typography } from 'antd';
import { useDeferredValue, useMemo, useState, type ComponentProps } from 'react';
import { useTranslation } from 'react-i18next';

import type { LaneGroup } from '../api/kinds';
import { ofKind } from '../api/objects';
import { lanesOf } from '../lanes/lanes';
import * as references from '../lanes/references';
import { ConfirmChange, type Planned } from '../parts/ConfirmChange';
import { Delete } from '../parts/Delete';
import { Heading } from '../parts/Heading';
import { useHeld, useMayEditGroup, useMayEditLanes, useObjects, useServed } from '../parts/hooks';
import { usePlans } from '../parts/lanePlans';
import { LaneMap } from '../parts/LaneMap';
import { LanesTable } from '../parts/LanesTable';
import { StatusTag } from '../parts/StatusTag';
import { Troubles } from '../parts/Troubles';
import { groupLink, groupsLink, link } from '../routes';

export function Group({ group }: { group: LaneGroup }) {
  const { t } = useTranslation();
  const objects = useObjects();
  const lanes = useMemo(() => lanesOf(group, ofKind(objects, 'Lane')), [group, objects]);
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
          <CalmLanes
            group={group}
            lanes={lanes}
            mayEdit={mayEditLanes}
            mayEditGroup={mayEditGroup}
          />
        </>
      )}
      {planned && <ConfirmChange planned={planned} onClose={() => setPlanned(null)} />}
    </>
  );
}

/** The table may be a moment late, so that the map stays smooth while much changes; but not so late
 * that it would move while one of its links is pressed. */
function CalmLanes({ lanes, ...props }: ComponentProps<typeof LanesTable>) {
  return <LanesTable {...props} lanes={useHeld(useDeferredValue(lanes))} />;
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
