/** 分析结果: what is wrong with the declared objects, each with a request that shows it. */
import { Button, Empty } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Lane } from '../api/kinds';
import { ofKind } from '../api/objects';
import { analysis, type Found } from '../api/reads';
import { patch as applyPatch } from '../api/requests';
import { preview } from '../api/reviews';
import { commit } from '../lanes/commits';
import { fixOf } from '../lanes/fixes';
import { Answer } from '../parts/Answer';
import { ConfirmChange, type Planned } from '../parts/ConfirmChange';
import { FindingList } from '../parts/FindingList';
import { Heading } from '../parts/Heading';
import { useAsked, useLatest, useMayEditLanes, useObjects } from '../parts/hooks';

export function Findings() {
  const { t } = useTranslation();
  const lanes = ofKind(useObjects(), 'Lane');
  const [planned, setPlanned] = useState<Planned | null>(null);
  const asked = useAsked(analysis, 'analysis', { latest: useLatest() });
  return (
    <>
      <Heading title={t('findings.title')}>
        <Button loading={asked.asking} onClick={asked.again}>
          {asked.asking ? t('findings.working') : t('findings.again')}
        </Button>
      </Heading>
      <Answer asked={asked}>
        {(findings) =>
          findings.length === 0 ? (
            <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('findings.empty')} />
          ) : (
            <FindingList
              findings={findings}
              action={(finding) => <FixButton finding={finding} lanes={lanes} onPlan={setPlanned} />}
            />
          )
        }
      </Answer>
      {planned && <ConfirmChange planned={planned} onClose={() => setPlanned(null)} />}
    </>
  );
}

interface FixProps {
  finding: Found;
  lanes: readonly Lane[];
  onPlan: (planned: Planned) => void;
}

/** Nothing where there is no safe fix, or for who may not change the lane. */
function FixButton({ finding, lanes, onPlan }: FixProps) {
  const { t } = useTranslation();
  const fix = fixOf(finding, lanes);
  const mayEdit = useMayEditLanes(fix?.lane.spec.group ?? '');
  if (fix === null || !mayEdit) return null;
  const { lane, patch, spec } = fix;
  const { name } = lane.metadata;
  const plan: Planned = {
    title: t('findings.remove', { field: finding.field, name }),
    hint: t('findings.safe'),
    confirm: t('findings.apply'),
    done: t('saved', { name }),
    preview: () => preview([{ kind: 'Lane', name, spec: { group: lane.spec.group, ...spec } }]),
    act: () => applyPatch('Lane', name, patch),
    commit: commit(lane, spec),
  };
  return (
    <Button size="small" onClick={() => onPlan(plan)}>
      {t('findings.apply')}
    </Button>
  );
}
