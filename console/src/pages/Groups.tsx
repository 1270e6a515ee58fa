/** 流量泳道: the lane groups. */
import { PlusOutlined } from '@ant-design/icons';
import { Alert, Button, Empty } from 'antd';
import { useTranslation } from 'react-i18next';

import type { LaneGroup } from '../api/kinds';
import { ofKind } from '../api/objects';
import { lanesOf, state } from '../lanes/lanes';
import * as references from '../lanes/references';
import { Heading } from '../parts/Heading';
import { useMayEditGroup, useObjects, useServed } from '../parts/hooks';
import { ObjectTable } from '../parts/ObjectTable';
import { StatusTag } from '../parts/StatusTag';
import { useNumbers, usePercents } from '../parts/words';
import { groupLink, link } from '../routes';
import { totals } from '../traffic/figures';
import { useTraffic } from '../traffic/useTraffic';

export function Groups() {
  const { t, i18n } = useTranslation();
  const objects = useObjects();
  const groups = ofKind(objects, 'LaneGroup');
  const lanes = ofKind(objects, 'Lane');
  const mayEdit = useMayEditGroup('');
  const hasTraffic = useServed('traffic');
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
        <Heading title={t('groups.title')} />
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
      <Heading title={t('groups.title')}>{create(t('groups.create'))}</Heading>
      <ObjectTable<LaneGroup>
        label={t('groups.title')}
        objects={groups}
        text={(group) => `${group.metadata.name} ${gatewayOf(group) ?? ''}`}
        columns={[
          {
            title: t('groups.name'),
            by: ({ metadata }) => metadata.name,
            cell: ({ metadata }) => (
              <a href={groupLink(metadata.name)}>
                <bdi>{metadata.name}</bdi>
              </a>
            ),
          },
          {
            title: t('groups.mode'),
            by: ({ spec }) => t(`group.${spec.mode}`),
            cell: ({ spec }) => t(`group.${spec.mode}`),
          },
          {
            title: t('groups.gateway'),
            by: gatewayOf,
            cell: (group) => gatewayOf(group) ?? '–',
          },
          {
            title: t('groups.lanes'),
            by: (group) => lanesOf(group, lanes).length,
            cell: (group) => listed(lanesOf(group, lanes).map(({ metadata }) => metadata.name)),
          },
          {
            title: t('groups.status'),
            by: state,
            cell: (group) => <StatusTag object={group} />,
          },
          ...(hasTraffic
            ? [
                {
                  title: t('groups.traffic'),
                  cell: ({ metadata }: LaneGroup) => <Now group={metadata.name} />,
                },
              ]
            : []),
          {
            title: t('groups.created'),
            by: ({ metadata }) => metadata.creationTimestamp ?? null,
            cell: ({ metadata }) => date.format(new Date(metadata.creationTimestamp ?? 0)),
          },
        ]}
      />
    </>
  );
}

function gatewayOf({ spec }: LaneGroup): string | null {
  return spec.gateway === undefined ? null : references.shown(references.read(spec.gateway));
}

/** More names than these are for the page of the group. */
const NAMES = 8;

function listed(lanes: readonly string[]): string {
  if (lanes.length === 0) return '–';
  return [...lanes.slice(0, NAMES), ...(lanes.length > NAMES ? [`… (${lanes.length})`] : [])].join(', ');
}

/** Less often than on the page of a group, as there may be many of them. */
const EVERY = 5_000;

/** The group's requests now, and how many of them fall back. */
function Now({ group }: { group: string }) {
  const { t } = useTranslation();
  const numbers = useNumbers();
  const percents = usePercents();
  const { figures, hasRates } = useTraffic(group, EVERY);
  if (figures === null) return '–';
  if (!hasRates) return '…';
  const { perSecond, fallbacksPerSecond } = totals(figures.values());
  return (
    <>
      {t('map.perSecond', { rate: numbers.format(perSecond) })}
      {fallbacksPerSecond > 0 && (
        <div className="secondary">
          {t('groups.fallBack', { share: percents.format(fallbacksPerSecond / perSecond) })}
        </div>
      )}
    </>
  );
}
