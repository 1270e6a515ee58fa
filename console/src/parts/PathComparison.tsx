/** A request's path as it was predicted beside the one that was counted, hop by hop. */
import { Alert, Empty, Tag } from 'antd';
import { useTranslation } from 'react-i18next';

import type { PredictedHop, Prediction } from '../api/trials';
import { shown } from '../lanes/references';
import type { ComparedHop, Verdict } from '../trials/comparison';
import { said } from './words';

const COLOURS: Record<Verdict, string> = {
  expected: 'success',
  different: 'error',
  unseen: 'warning',
  unforeseen: 'warning',
};

interface Props {
  hops: readonly ComparedHop[];
  prediction: Prediction;
}

export function PathComparison({ hops, prediction: { failure, unknownCalls } }: Props) {
  const { t } = useTranslation();
  return (
    <>
      {hops.length === 0 && failure === null && (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('try.noHops')} />
      )}
      <ol className="hops">
        {hops.map((hop) => (
          <Hop key={`${hop.caller}>${hop.service}`} hop={hop} />
        ))}
      </ol>
      {failure && (
        <Alert
          type="warning"
          showIcon
          className="trouble"
          title={t('try.failure', {
            message: failure.status ? `${failure.status}: ${failure.message}` : failure.message,
          })}
        />
      )}
      {unknownCalls.length > 0 && (
        <p className="secondary">
          {t('try.unknownCalls', { services: unknownCalls.map(shown).join(', ') })}
        </p>
      )}
    </>
  );
}

function Hop({ hop: { caller, service, predicted, counted, verdict } }: { hop: ComparedHop }) {
  const { t } = useTranslation();
  const from = caller === null ? t('try.theGateway') : shown(caller);
  return (
    <li>
      <h3>
        {t('try.hop', { caller: from, service: shown(service) })}{' '}
        {verdict && <Tag color={COLOURS[verdict]}>{t(`try.verdict.${verdict}`)}</Tag>}
      </h3>
      <dl>
        <dt>{t('try.predicted')}</dt>
        <dd>{predicted ? <Predicted hop={predicted} /> : '–'}</dd>
        {verdict && (
          <>
            <dt>{t('try.counted')}</dt>
            <dd>
              {counted.length === 0 && '–'}
              {counted.map(({ lane, requests }) => (
                <span key={lane} className="counted">
                  <Tag>{lane === '' ? t('preview.noLane') : lane}</Tag>{' '}
                  {t('try.requests', { count: requests })}
                </span>
              ))}
            </dd>
          </>
        )}
      </dl>
    </li>
  );
}

function Predicted({ hop: { servedLane, intendedLane, workloads, reasons } }: { hop: PredictedHop }) {
  const { t, i18n } = useTranslation();
  const instead = intendedLane !== null && servedLane !== intendedLane;
  return (
    <>
      <Tag color={instead ? 'warning' : 'default'}>{servedLane ?? t('preview.noLane')}</Tag>{' '}
      {instead && <span>{t('try.insteadOf', { lane: intendedLane })} </span>}
      <span className="secondary">
        {workloads.length === 0 ? t('try.nobody') : workloads.map(shown).join(', ')}
      </span>
      <ul>
        {reasons.map((reason) => (
          <li key={reason.why + reason.text}>
            {t(`try.why.${reason.why}`, { defaultValue: reason.why })}{' '}
            <span className="secondary">
              <bdi>{said(i18n, reason)}</bdi>
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
