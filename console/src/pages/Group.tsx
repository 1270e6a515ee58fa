/** One lane group: its settings, its lane map, and its lanes. */
import { PlusOutlined } from '@ant-design/icons';
import { Alert, App, Button, Descriptions, Empty, Popconfirm, Space, Tag, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Lane, LaneGroup, Written } from '../api/kinds';
import { ofKind } from '../api/objects';
import { Refused, remove, setBaseline } from '../api/requests';
import { baseline, contained, lanesOf, troubles } from '../lanes/lanes';
import * as references from '../lanes/references';
import { go, useMayEdit, useObjects } from '../parts/hooks';
import { LaneMap } from '../parts/LaneMap';
import { ObjectTable } from '../parts/ObjectTable';
import { StatusTag } from '../parts/StatusTag';
import { groupLink, groupsLink } from '../routes';

export function Group({ group }: { group: LaneGroup }) {
  const { t } = useTranslation();
  const lanes = lanesOf(group, ofKind(useObjects(), 'Lane'));
  const name = group.metadata.name;
  const mayEdit = useMayEdit(name);
  const attempt = useAttempt();
  const create = mayEdit && (
    <Button type="primary" icon={<PlusOutlined aria-hidden />} href={groupLink(name, 'new-lane')}>
      {t('lane.new')}
    </Button>
  );
  return (
    <>
      <div className="heading">
        <Typography.Title level={1}>
          <bdi>{name}</bdi> <StatusTag object={group} />
        </Typography.Title>
        {mayEdit && (
          <Space>
            <Button href={groupLink(name, 'edit')}>{t('actions.edit')}</Button>
            <Delete
              object={group}
              question={t('confirmDeleteGroup', { name })}
              onDeleted={() => go(groupsLink)}
            />
          </Space>
        )}
      </div>
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
            {create}
          </div>
          <Lanes
            group={group}
            lanes={lanes}
            mayEdit={mayEdit}
            onBaseline={(lane) => void attempt(() => setBaseline(group, lane))}
          />
        </>
      )}
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

interface LanesProps {
  group: LaneGroup;
  lanes: Lane[];
  mayEdit: boolean;
  onBaseline: (lane: Lane) => void;
}

function Lanes({ group, lanes, mayEdit, onBaseline }: LanesProps) {
  const { t } = useTranslation();
  const name = group.metadata.name;
  const base = baseline(group, lanes);
  return (
    <ObjectTable<Lane>
      label={t('lane.lanes')}
      objects={lanes}
      columns={[
        {
          title: t('lane.name'),
          cell: ({ metadata, spec }) => (
            <>
              <bdi>{metadata.name}</bdi>{' '}
              {metadata.name === base && <Tag color="blue">{t('lane.baseline')}</Tag>}
              {spec.enabled === false && <Tag>{t('lane.disabled')}</Tag>}
            </>
          ),
        },
        {
          title: t('lane.labels'),
          cell: ({ spec }) =>
            Object.entries(spec.selector ?? {}).map(([label, value]) => (
              <Tag key={label}>
                {label}={String(value)}
              </Tag>
            )),
        },
        {
          title: t('groups.services'),
          cell: (lane) => contained(lane, group).map(references.shown).join(', '),
        },
        { title: t('groups.status'), cell: (lane) => <StatusTag object={lane} /> },
        {
          title: t('actions.label'),
          cell: (lane) => (
            <Space wrap>
              <a href={groupLink(name, 'lanes', lane.metadata.name, 'rules')}>
                {t('rules.title')} ({lane.spec.ingress?.length ?? 0})
              </a>
              {mayEdit && (
                <>
                  <a href={groupLink(name, 'lanes', lane.metadata.name)}>{t('actions.edit')}</a>
                  {lane.metadata.name !== base && (
                    <Button type="link" size="small" onClick={() => onBaseline(lane)}>
                      {t('lane.setBaseline')}
                    </Button>
                  )}
                  <Delete
                    object={lane}
                    question={t('confirmDelete', { name: lane.metadata.name })}
                    small
                  />
                </>
              )}
            </Space>
          ),
        },
      ]}
    />
  );
}

interface DeleteProps {
  object: Written;
  question: string;
  small?: boolean;
  onDeleted?: () => void;
}

function Delete({ object, question, small = false, onDeleted }: DeleteProps) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const attempt = useAttempt();
  const { name } = object.metadata;
  return (
    <Popconfirm
      title={question}
      okText={t('actions.delete')}
      cancelText={t('actions.cancel')}
      okButtonProps={{ danger: true }}
      onConfirm={() =>
        attempt(async () => {
          await remove(object);
          void message.success(t('deleted', { name }));
          onDeleted?.();
        })
      }
    >
      <Button danger type={small ? 'link' : 'default'} size={small ? 'small' : 'middle'}>
        {t('actions.delete')}
      </Button>
    </Popconfirm>
  );
}

/** Does what a button says; where it fails, the user learns why. */
function useAttempt(): (action: () => Promise<void>) => Promise<void> {
  const { t } = useTranslation();
  const { message } = App.useApp();
  return async (action) => {
    try {
      await action();
    } catch (error) {
      void message.error(error instanceof Refused ? error.message : t('unreachable'), 8);
    }
  };
}
