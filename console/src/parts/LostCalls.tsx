/** The services that received requests of lanes and called on without what keeps them there. */
import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Propagation } from '../api/traffic';
import { shown } from '../lanes/references';
import { useNumbers, usePercents } from './words';

export function LostCalls({ propagation }: { propagation: readonly Propagation[] }) {
  const { t } = useTranslation();
  const numbers = useNumbers();
  const percents = usePercents();
  return propagation.map((each) => {
    const { certainty, workload, services, lane, header } = each;
    if (certainty === '') return null;
    const lost = each.withoutHeader + each.unknownValue;
    const evidence = t('traffic.lost.evidence', {
      workload: shown(workload),
      lost: numbers.format(lost),
      calls: numbers.format(lost + each.inLane),
      share: percents.format(each.lostShare),
      minutes: numbers.format(Math.max(1, Math.round(each.seconds / 60))),
      without: numbers.format(each.withoutHeader),
      unknown: numbers.format(each.unknownValue),
      header,
    });
    return (
      <Alert
        key={workload}
        showIcon
        className="trouble"
        type={certainty === 'Certain' ? 'error' : 'warning'}
        title={t(`traffic.lost.${certainty}`, { service: services.map(shown).join(', '), lane })}
        description={
          <>
            <div>{evidence}</div>
            <div>{t(`traffic.lost.fix${certainty}`, { header })}</div>
          </>
        }
      />
    );
  });
}
