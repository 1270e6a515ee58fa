/** How requests that name no lane are divided: sliders that sum to 100. */
import { Alert, Button, Empty, Slider, Space, Typography } from 'antd';
import { useContext, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { LaneGroup } from '../api/kinds';
import { ofKind } from '../api/objects';
import { isInCluster } from '../api/place';
import { change, preview, type Proposed } from '../api/reviews';
import { commitAll } from '../lanes/commits';
import { baseline } from '../lanes/lanes';
import { moved, rest, weighted, weightsOf, WHOLE, type Weights as Shares } from '../lanes/weights';
import { ConfirmChange, type Planned } from '../parts/ConfirmChange';
import { Heading } from '../parts/Heading';
import { go, useMayEditLanes, useObjects, useServed, Who } from '../parts/hooks';
import { useForm } from '../parts/useForm';
import { usePercents } from '../parts/words';
import { groupLink, groupsLink } from '../routes';

/** The field manager of a group's weights, which applies nothing else. */
const SOURCE = 'laneway-console-weights';

export function Weights({ group }: { group: LaneGroup }) {
  const { t } = useTranslation();
  const { name } = group.metadata;
  const all = ofKind(useObjects(), 'Lane');
  const lanes = weighted(group, all);
  const current = weightsOf(lanes);
  const form = useForm<{ changed: Shares }>(`weights.${name}`, { changed: {} }, undefined);
  const { changed } = form.values;
  const [planned, setPlanned] = useState<Planned | null>(null);
  const hasChangeSets = useServed('changesets');
  const maySave = useMayEditLanes(name);
  const mayEdit = maySave && hasChangeSets;
  const known = useContext(Who).name !== '';
  // Lanes that come and go while the page is open keep what the server says of them.
  const shares: Shares = Object.fromEntries(
    Object.entries(current).map(([lane, weight]) => [lane, changed[lane] ?? weight]),
  );
  const same = Object.entries(shares).every(([lane, weight]) => current[lane] === weight);

  const plan = (): void => {
    const proposed: Proposed[] = lanes.map(({ metadata }) => ({
      kind: 'Lane',
      name: metadata.name,
      spec: { group: name, weight: shares[metadata.name] },
    }));
    setPlanned({
      title: t('weights.apply'),
      ...(isInCluster() ? { hint: t('weights.inCluster') } : {}),
      confirm: t('actions.save'),
      done: t('saved', { name: t('weights.title') }),
      preview: () => preview(proposed),
      commit: commitAll(
        lanes.map((object) => ({ object, spec: { weight: shares[object.metadata.name] } })),
      ),
      act: async () => {
        await change(`${SOURCE}-${name}`, t('weights.title'), proposed);
        form.forget();
        go(groupLink(name));
      },
    });
  };
  return (
    <>
      <Heading
        title={t('weights.of', { group: name })}
        trail={[
          { name: t('groups.title'), to: groupsLink },
          { name, to: groupLink(name) },
        ]}
      />
      {!mayEdit && known && (
        <Alert
          type="info"
          showIcon
          className="trouble"
          title={t(maySave ? 'weights.needsChangeSets' : 'viewer')}
        />
      )}
      <Typography.Paragraph type="secondary">{t('weights.hint')}</Typography.Paragraph>
      {lanes.length === 0 ? (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('weights.none')} />
      ) : (
        <div className="weights">
          <Share name={t('weights.baseline', { name: baseline(group, all) })} percent={rest(shares)} />
          {lanes.map(({ metadata }) => (
            <Share
              key={metadata.name}
              name={metadata.name}
              percent={shares[metadata.name] ?? 0}
              {...(mayEdit
                ? { onChange: (value) => form.change({ changed: moved(shares, metadata.name, value) }) }
                : {})}
            />
          ))}
        </div>
      )}
      <Space>
        {mayEdit && lanes.length > 0 && (
          <Button type="primary" disabled={same} onClick={plan}>
            {t('weights.preview')}
          </Button>
        )}
        <Button href={groupLink(name)} onClick={form.forget}>
          {t(same ? 'actions.back' : 'actions.cancel')}
        </Button>
      </Space>
      {planned && <ConfirmChange planned={planned} onClose={() => setPlanned(null)} />}
    </>
  );
}

interface ShareProps {
  name: string;
  percent: number;
  onChange?: (value: number) => void;
}

function Share({ name, percent, onChange }: ShareProps) {
  const percents = usePercents();
  return (
    <>
      <bdi>{name}</bdi>
      <Slider
        value={percent}
        max={WHOLE}
        disabled={onChange === undefined}
        ariaLabelForHandle={name}
        tooltip={{ open: false }}
        onChange={(value) => onChange?.(value)}
      />
      <span className="percent">{percents.format(percent / WHOLE)}</span>
    </>
  );
}
