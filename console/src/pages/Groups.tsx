/** 流量泳道: the lane groups. */
import { PlusOutlined } from '@ant-design/icons';
import { Alert, Button, Empty, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { LaneGroup } from '../api/kinds';
import { ofKind } from '../api/objects';
import { lanesOf } from '../lanes/lanes';
import * as references from '../lanes/references';
import { useMayEditGroup, useObjects } from '../parts/hooks';
import { ObjectTable } from '../parts/ObjectTable';
import { StatusTag } from '../parts/StatusTag';
import { groupLink, link } from '../routes';

export function Groups() {
  const { t, i18n } = useTranslation();
  const objects = useObjects();
  const groups = ofKind(objects, 'LaneGroup');
  const lanes = ofKind(objects, 'Lane');
  const mayEdit = useMayEditGroup('');
  const date = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium', timeStyle: 'short' });
  const create = (text: string) =>
    mayEdit && (
      <Button type="primary" icon={<PlusOutlined aria-hidden />} href={link('new-group')}>
        {text}
      </Button>
    );
  if (groups.length === 0) {
    return (
      <>
        <Typography.Title level={1}>{t('groups.title')}</Typography.Title>
        {ofKind(objects, 'Service').length === 0 && (
          <Alert type="info" showIcon title={t('groups.noServices')} />
        )}
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('groups.empty')}>
          {create(t('groups.emptyNext'))}
        </Empty>
      </>
    );
  }
  return (
    <>
      <div className="heading">
        <Typography.Title level={1}>{t('groups.title')}</Typography.Title>
        {create(t('groups.create'))}
      </div>
      <ObjectTable<LaneGroup>
        label={t('groups.title')}
        objects={groups}
        columns={[
          {
            title: t('groups.name'),
            cell: ({ metadata }) => (
              <a href={groupLink(metadata.name)}>
                <bdi>{metadata.name}</bdi>
              </a>
            ),
          },
          { title: t('groups.mode'), cell: ({ spec }) => t(`group.${spec.mode}`) },
          {
            title: t('groups.gateway'),
            cell: ({ spec }) =>
              spec.gateway === undefined ? '–' : references.shown(references.read(spec.gateway)),
          },
          {
            title: t('groups.lanes'),
            cell: (group) =>
              lanesOf(group, lanes)
                .map(({ metadata }) => metadata.name)
                .join(', ') || '–',
          },
          { title: t('groups.status'), cell: (group) => <StatusTag object={group} /> },
          {
            title: t('groups.created'),
            cell: ({ metadata }) => date.format(new Date(metadata.creationTimestamp ?? 0)),
          },
        ]}
      />
    </>
  );
}
