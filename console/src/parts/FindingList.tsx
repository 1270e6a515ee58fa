/** Findings of the analysis and of dialects, each with the request that shows it. */
import { Tag } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import type { Found } from '../api/reads';
import { Copy } from './Copy';
import { Told } from './Told';

const COLOURS = { error: 'error', warning: 'warning', note: 'processing' } as const;

interface Props {
  findings: readonly Found[];
  /** What can be done about one. */
  action?: (finding: Found) => ReactNode;
}

export function FindingList({ findings, action }: Props) {
  const { t } = useTranslation();
  return (
    <ul className="findings">
      {findings.map((finding, index) => (
        <li key={index}>
          <Tag color={COLOURS[finding.severity]}>{t(`findings.severity.${finding.severity}`)}</Tag>
          <strong>
            {finding.kind} <bdi>{finding.name}</bdi>
          </strong>{' '}
          {finding.field && <code>{finding.field}</code>} <span className="code">{finding.code}</span>
          <p>
            <Told of="problems" reason={finding.code} text={finding.message} />
          </p>
          {finding.fix && <p>{t('findings.fix', { fix: finding.fix })}</p>}
          {finding.example && <Example example={finding.example} />}
          {action?.(finding)}
        </li>
      ))}
    </ul>
  );
}

function Example({ example: { curl, outcome, down } }: { example: NonNullable<Found['example']> }) {
  const { t } = useTranslation();
  return (
    <dl>
      <dt>{t('findings.example')}</dt>
      <dd>
        <code>{curl}</code> <Copy text={curl} />
      </dd>
      <dt>{t('findings.outcome')}</dt>
      <dd>{outcome}</dd>
      {down.length > 0 && <dd>{t('findings.down', { names: down.join(', ') })}</dd>}
    </dl>
  );
}
