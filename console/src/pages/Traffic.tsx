/** 流量: which lane requests meant and which one served them, with errors, latencies and causes. */
import { Alert, Button, Empty, Select, Skeleton, Space, Statistic, Tag, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { LaneGroup } from '../api/kinds';
import { ofKind } from '../api/objects';
import type { Latency } from '../api/traffic';
import { baseline, lanesOf, serviceBaseline } from '../lanes/lanes';
import { shown } from '../lanes/references';
import { Heading } from '../parts/Heading';
import { go, useObjects } from '../parts/hooks';
import { LostCalls } from '../parts/LostCalls';
import { ObjectTable, type Column } from '../parts/ObjectTable';
import { Told } from '../parts/Told';
import { useNumbers, usePercents } from '../parts/words';
import { groupLink, groupsLink, link, tryLink } from '../routes';
import { ABSENT, key, totals, type Figures } from '../traffic/figures';
import { useTraffic } from '../traffic/useTraffic';
import { emptyTrial, ofLane, toQuery } from '../trials/trialForm';

export function Traffic({ group: name }: { group: string }) {
  const { t } = useTranslation();
  const groups = ofKind(useObjects(), 'LaneGroup');
  const group = groups.find(({ metadata }) => metadata.name === name) ?? groups[0];
  if (group === undefined) {
    return (
      <>
        <Heading title={t('traffic.title')} />
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('traffic.noGroups')}>
          <Button href={groupsLink}>{t('groups.title')}</Button>
        </Empty>
      </>
    );
  }
  return (
    <>
      <Heading title={t('traffic.title')}>
        <Space>
          <Select
            aria-label={t('traffic.group')}
            value={group.metadata.name}
            onChange={(chosen) => go(link('traffic', chosen))}
            options={groups.map(({ metadata }) => ({ value: metadata.name }))}
          />
          <a href={groupLink(group.metadata.name)}>{t('map.title')}</a>
        </Space>
      </Heading>
      <Typography.Paragraph type="secondary">{t('traffic.intro')}</Typography.Paragraph>
      <OfGroup key={group.metadata.name} group={group} />
    </>
  );
}

function OfGroup({ group }: { group: LaneGroup }) {
  const { t } = useTranslation();
  const { figures, hasRates, propagation, wrong } = useTraffic(group.metadata.name);
  const lanes = lanesOf(group, ofKind(useObjects(), 'Lane'));
  if (figures === null) {
    return wrong === null ? (
      <Skeleton active />
    ) : (
      <Alert
        type="info"
        showIcon
        title={t('traffic.unavailable')}
        description={<Told of="problems" reason={wrong.reason} text={wrong.message} />}
      />
    );
  }
  const all = [...figures.values()];
  if (all.length === 0) {
    const [lane] = lanes;
    const trial = lane === undefined ? emptyTrial : ofLane(lane, group);
    return (
      <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('traffic.none')}>
        <Button href={tryLink(toQuery(trial))}>{t('traffic.tryIt')}</Button>
      </Empty>
    );
  }
  const base = baseline(group, lanes);
  const ofBaseline = ({ service }: Figures): Figures | undefined =>
    figures.get(key(serviceBaseline(group, service) ?? base ?? '', service));
  return (
    <>
      <div role="status">
        {wrong !== null && (
          <Alert
            type="warning"
            showIcon
            className="trouble"
            title={<Told of="problems" reason={wrong.reason} text={wrong.message} />}
          />
        )}
      </div>
      <Summary all={all} hasRates={hasRates} />
      <LostCalls propagation={propagation} />
      <Typography.Title level={2}>{t('traffic.intendedAndServed')}</Typography.Title>
      <Lanes all={all} hasRates={hasRates} ofBaseline={ofBaseline} />
      <Typography.Title level={2}>{t('traffic.causes')}</Typography.Title>
      <Causes all={all} />
    </>
  );
}

interface SummaryProps {
  all: readonly Figures[];
  hasRates: boolean;
}

function Summary({ all, hasRates }: SummaryProps) {
  const { t } = useTranslation();
  const numbers = useNumbers();
  const percents = usePercents();
  const { requests, fallbacks, errors, perSecond } = totals(all);
  const figure = (title: string, value: number, ofAll = false) => (
    <Statistic
      title={title}
      value={value}
      formatter={(each) => numbers.format(Number(each))}
      {...(ofAll && requests > 0 ? { suffix: <Share of={percents.format(value / requests)} /> } : {})}
    />
  );
  return (
    <div className="summary">
      {figure(t('traffic.requests'), requests)}
      {hasRates ? (
        figure(t('traffic.perSecond'), perSecond)
      ) : (
        <Statistic title={t('traffic.perSecond')} value="…" />
      )}
      {figure(t('traffic.fallbacks'), fallbacks, true)}
      {errors !== null && figure(t('traffic.errors'), errors, true)}
    </div>
  );
}

function Share({ of }: { of: string }) {
  return <span className="share">{of}</span>;
}

interface Named extends Figures {
  metadata: { name: string };
}

interface LanesProps extends SummaryProps {
  ofBaseline: (figures: Figures) => Figures | undefined;
}

function Lanes({ all, hasRates, ofBaseline }: LanesProps) {
  const { t } = useTranslation();
  const numbers = useNumbers();
  const columns: Column<Named>[] = [
    {
      title: t('traffic.service'),
      by: ({ service }) => shown(service),
      cell: ({ service }) => shown(service),
    },
    {
      title: t('traffic.intended'),
      by: ({ lane }) => (lane === ABSENT ? null : lane),
      cell: ({ lane }) => <Intended lane={lane} />,
    },
    { title: t('traffic.served'), cell: (figures) => <ServedBy figures={figures} /> },
    {
      title: t('traffic.requests'),
      isNumber: true,
      by: ({ requests }) => requests,
      cell: ({ requests }) => numbers.format(requests),
    },
    {
      title: t('traffic.perSecond'),
      isNumber: true,
      by: ({ perSecond }) => perSecond,
      cell: ({ perSecond }) => (hasRates ? numbers.format(perSecond) : '…'),
    },
  ];
  if (all.some(({ errors }) => errors !== null)) {
    columns.push({
      title: t('traffic.errors'),
      isNumber: true,
      by: ({ errors }) => errors,
      cell: ({ errors }) =>
        errors ? <Tag color="error">{numbers.format(errors)}</Tag> : numbers.format(errors ?? 0),
    });
  }
  if (all.some(({ latency }) => latency !== null)) {
    columns.push({
      title: t('traffic.latency'),
      isNumber: true,
      by: ({ latency }) => latency?.p50 ?? null,
      cell: (figures) => <Latencies figures={figures} baseline={ofBaseline(figures)} />,
    });
  }
  const objects = all.map((each) => ({ ...each, metadata: { name: key(each.lane, each.service) } }));
  return (
    <ObjectTable<Named>
      label={t('traffic.intendedAndServed')}
      objects={objects}
      columns={columns}
      text={({ service, lane }) => `${shown(service)} ${lane}`}
    />
  );
}

function Intended({ lane }: { lane: string }) {
  const { t } = useTranslation();
  return lane === ABSENT ? (
    <span className="secondary">{t('traffic.absent')}</span>
  ) : (
    <bdi>{lane}</bdi>
  );
}

/** A share for each lane that served: the intended one, or others that stand out. */
function ServedBy({ figures: { served, requests } }: { figures: Figures }) {
  const { t } = useTranslation();
  const percents = usePercents();
  return (
    <Space wrap>
      {served.map(({ lane, requests: its, cause }) => (
        <Tag key={lane} color={lane === '' ? 'error' : cause === '' ? 'success' : 'warning'}>
          {t('traffic.share', {
            lane: lane === '' ? t('traffic.nobody') : lane,
            percent: percents.format(requests === 0 ? 0 : its / requests),
          })}
        </Tag>
      ))}
    </Space>
  );
}

function Latencies({ figures, baseline: base }: { figures: Figures; baseline: Figures | undefined }) {
  const { t } = useTranslation();
  const numbers = useNumbers();
  const text = (latency: Latency): string => {
    const of = (value: number | null): string => (value === null ? '–' : numbers.format(value));
    const { p50, p90, p99 } = latency;
    return t('traffic.milliseconds', { p50: of(p50), p90: of(p90), p99: of(p99) });
  };
  if (figures.latency === null) return '–';
  return (
    <>
      {text(figures.latency)}
      {base?.latency && base.lane !== figures.lane && (
        <div className="secondary">{t('traffic.ofBaseline', { latency: text(base.latency) })}</div>
      )}
    </>
  );
}

function Causes({ all }: { all: readonly Figures[] }) {
  const { t } = useTranslation();
  const numbers = useNumbers();
  const rows = all.flatMap((figures) =>
    figures.served
      .filter(({ cause }) => cause !== '')
      .map((served) => ({
        ...served,
        figures,
        metadata: { name: `${served.lane} ${key(figures.lane, figures.service)}` },
      })),
  );
  if (rows.length === 0) return <p>{t('traffic.noFallbacks')}</p>;
  return (
    <ObjectTable<(typeof rows)[number]>
      label={t('traffic.causes')}
      objects={rows}
      columns={[
        {
          title: t('traffic.cause'),
          cell: ({ cause }) => (cause === '' ? '–' : t(`traffic.byCause.${cause}`)),
        },
        { title: t('traffic.service'), cell: ({ figures }) => shown(figures.service) },
        { title: t('traffic.intended'), cell: ({ figures }) => <Intended lane={figures.lane} /> },
        {
          title: t('traffic.served'),
          cell: ({ lane }) => (lane === '' ? t('traffic.nobody') : <bdi>{lane}</bdi>),
        },
        {
          title: t('traffic.requests'),
          isNumber: true,
          by: ({ requests }) => requests,
          cell: ({ requests }) => numbers.format(requests),
        },
      ]}
    />
  );
}
