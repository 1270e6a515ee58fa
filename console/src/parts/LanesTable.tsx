/** The lanes of a group, with what can be done to each. */
import { Button, Switch, Tag, Typography } from 'antd';
import { memo, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Lane, LaneGroup } from '../api/kinds';
import { baseline, contained, expiry, isPromoted, state } from '../lanes/lanes';
import * as references from '../lanes/references';
import { WHOLE } from '../lanes/weights';
import { groupLink, tryLink } from '../routes';
import { ofLane, toQuery } from '../trials/trialForm';
import { ConfirmChange, type Planned } from './ConfirmChange';
import { Delete } from './Delete';
import { useServed } from './hooks';
import { usePlans } from './lanePlans';
import { ObjectTable, type Column } from './ObjectTable';
import { StatusTag } from './StatusTag';
import { usePercents } from './words';

interface Props {
  group: LaneGroup;
  lanes: Lane[];
  mayEdit: boolean;
  /** Whether the user may say which lanes are baselines. */
  mayEditGroup: boolean;
}

/** Drawn again only where its lanes change, so that the map beside it moves smoothly. */
export const LanesTable = memo(function LanesTable({ group, lanes, mayEdit, mayEditGroup }: Props) {
  const { t } = useTranslation();
  const percents = usePercents();
  const [planned, setPlanned] = useState<Planned | null>(null);
  const base = baseline(group, lanes);
  const weighed = lanes.some(({ spec }) => spec.weight);
  const columns = useMemo(() => {
    const made: Column<Lane>[] = [
      {
        title: t('lane.name'),
        by: ({ metadata }) => metadata.name,
        cell: (lane) => <Name lane={lane} base={base} />,
      },
      {
        title: t('lane.labelsOf'),
        by: ({ spec }) => labelsOf(spec.selector).join(' '),
        cell: ({ spec }) =>
          labelsOf(spec.selector).map((label) => (
            <Tag key={label} className="long">
              {label}
            </Tag>
          )),
      },
      {
        title: t('groups.services'),
        by: (lane) => contained(lane, group).length,
        cell: (lane) => listed(contained(lane, group)),
      },
      {
        title: t('groups.status'),
        by: state,
        cell: (lane) => <StatusTag object={lane} />,
      },
    ];
    if (weighed) {
      made.push({
        title: t('weights.title'),
        isNumber: true,
        by: ({ spec }) => spec.weight ?? 0,
        cell: ({ spec }) => (spec.weight ? percents.format(spec.weight / WHOLE) : '–'),
      });
    }
    if (mayEdit) {
      made.push({
        title: t('lane.enabled'),
        cell: (lane) => <Enabled group={group} lane={lane} onPlan={setPlanned} />,
      });
    }
    made.push({
      title: t('actions.label'),
      cell: (lane) => (
        <Actions
          group={group}
          lane={lane}
          base={base}
          mayEdit={mayEdit}
          mayEditGroup={mayEditGroup}
          onPlan={setPlanned}
        />
      ),
    });
    return made;
  }, [group, base, weighed, mayEdit, mayEditGroup, percents, t]);
  return (
    <>
      <ObjectTable<Lane>
        label={t('lane.lanes')}
        objects={lanes}
        columns={columns}
        text={({ metadata, spec }) => `${metadata.name} ${spec.owner ?? ''} ${labelsOf(spec.selector).join(' ')}`}
      />
      {planned && <ConfirmChange planned={planned} onClose={() => setPlanned(null)} />}
    </>
  );
});

function labelsOf(selector: Lane['spec']['selector']): string[] {
  return Object.entries(selector ?? {}).map(([name, value]) => `${name}=${String(value)}`);
}

/** More names than these are for the map. */
const NAMES = 8;

function listed(services: readonly string[]): string {
  const names = services.slice(0, NAMES).map(references.shown);
  return [...names, ...(services.length > NAMES ? ['…'] : [])].join(', ');
}

function Name({ lane, base }: { lane: Lane; base: string | undefined }) {
  const { t, i18n } = useTranslation();
  const { metadata, spec } = lane;
  const until = expiry(lane, new Date(), i18n.language);
  return (
    <>
      <bdi>{metadata.name}</bdi>{' '}
      {metadata.name === base && <Tag color="blue">{t('lane.baseline')}</Tag>}
      {spec.enabled === false && <Tag>{t('lane.disabled')}</Tag>}
      {spec.owner && (
        <div>
          <Typography.Text type="secondary">
            <bdi>{t('lane.ownerIs', { name: spec.owner })}</bdi>
          </Typography.Text>
        </div>
      )}
      {until !== null && (
        <div>
          <Typography.Text type={until.past ? 'danger' : 'secondary'}>
            {t(until.past ? 'lane.expiredAt' : 'lane.expiresAt', { time: until.text })}
          </Typography.Text>
        </div>
      )}
    </>
  );
}

interface EnabledProps {
  group: LaneGroup;
  lane: Lane;
  onPlan: (planned: Planned) => void;
}

function Enabled({ group, lane, onPlan }: EnabledProps) {
  const { t } = useTranslation();
  const plans = usePlans(group);
  const enabled = lane.spec.enabled !== false;
  return (
    <Switch
      size="small"
      checked={enabled}
      aria-label={`${lane.metadata.name}: ${t('lane.enabled')}`}
      onChange={() => onPlan(plans.enable(lane, !enabled))}
    />
  );
}

interface ActionsProps extends Omit<Props, 'lanes'> {
  lane: Lane;
  base: string | undefined;
  onPlan: (planned: Planned) => void;
}

function Actions({ group, lane, base, mayEdit, mayEditGroup, onPlan }: ActionsProps) {
  const { t } = useTranslation();
  const canTry = useServed('explanations');
  const plans = usePlans(group);
  const { name } = lane.metadata;
  const enabled = lane.spec.enabled !== false;
  const rules = (
    <a href={groupLink(group.metadata.name, 'lanes', name, 'rules')}>
      {t('rules.title')} ({lane.spec.ingress?.length ?? 0})
    </a>
  );
  const tryIt = canTry && <a href={tryLink(toQuery(ofLane(lane, group)))}>{t('try.title')}</a>;
  const button = (text: string, planned: Planned) => (
    <Button type="link" size="small" onClick={() => onPlan(planned)}>
      {text}
    </Button>
  );
  return (
    <div className="actions">
      {rules}
      {tryIt}
      {mayEdit && <a href={groupLink(group.metadata.name, 'lanes', name)}>{t('actions.edit')}</a>}
      {mayEditGroup && name !== base && (
        <>
          {button(t('lane.setBaseline'), plans.makeBaseline(lane))}
          {enabled &&
            !isPromoted(lane, group) &&
            button(t('lane.promote'), plans.promoteLane(lane))}
        </>
      )}
      {mayEdit && <Delete object={lane} small onClick={() => onPlan(plans.removeLane(lane))} />}
    </div>
  );
}
