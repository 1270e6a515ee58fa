/**
 * 请求测试: sends real requests through a gateway, and shows their path beside the predicted one.
 * The request stands in the URL, so that it can be shared. Opening such a link sends nothing.
 */
import { Alert, App, Button, Form, Space, Tag, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { ofKind } from '../api/objects';
import { Refused, type Finding } from '../api/requests';
import { gatewayUrl, predict, tryOut, type Prediction, type Trial } from '../api/trials';
import { elsewhere } from '../lanes/findings';
import { serviceOfProxy } from '../lanes/workloads';
import { Heading } from '../parts/Heading';
import { findingsOf, useMayEditLanes, useObjects, useServed } from '../parts/hooks';
import { PathComparison } from '../parts/PathComparison';
import { Told } from '../parts/Told';
import { TrialForm } from '../parts/TrialForm';
import { tryLink } from '../routes';
import { compared, hasOthers } from '../trials/comparison';
import { curl, fromQuery, request, toQuery, type TrialValues } from '../trials/trialForm';

const SHOWN = ['host', 'path', 'method', 'headers'].map((field) => `spec.request.${field}`);
const PATHS = [...SHOWN, 'spec.gateway', 'spec.count'];

interface Result {
  prediction: Prediction;
  /** null where nothing was sent. */
  trial: Trial | null;
  sent: number;
}

export function TryIt({ query }: { query: string }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const objects = useObjects();
  const groups = ofKind(objects, 'LaneGroup');
  const [values, setValues] = useState<TrialValues>(() => fromQuery(query));
  const [result, setResult] = useState<Result | null>(null);
  const [findings, setFindings] = useState<Finding[]>([]);
  const [asking, setAsking] = useState<'prediction' | 'trial' | null>(null);
  const sends = useServed('requesttrials');
  const maySend = useMayEditLanes('') && sends;
  const change = (changed: Partial<TrialValues>): void => {
    const next = { ...values, ...changed };
    setValues(next);
    window.history.replaceState(null, '', tryLink(toQuery(next)));
  };

  const attempt = async (what: 'prediction' | 'trial'): Promise<void> => {
    setAsking(what);
    setFindings([]);
    const asked = request(values, groups);
    try {
      const trial = what === 'trial' ? await tryOut(asked, values, values.count) : null;
      setResult({ prediction: await predict(asked, values), trial, sent: values.count });
    } catch (error) {
      setResult(null);
      if (error instanceof Refused) setFindings(findingsOf(error));
      else setFindings([{ field: '', message: t('unreachable'), reason: '' }]);
    } finally {
      setAsking(null);
    }
  };
  const copy = async (text: () => string | Promise<string>): Promise<void> => {
    try {
      await navigator.clipboard.writeText(await text());
      void message.success(t('generated.copied'));
    } catch (error) {
      const wrong = { reason: '', message: error instanceof Error ? error.message : String(error) };
      const { reason, message: text } = error instanceof Refused ? error : wrong;
      void message.error(<Told of="problems" reason={reason} text={text} />, 8);
    }
  };
  const command = async (): Promise<string> =>
    curl(request(values, groups), maySend ? await gatewayUrl(values) : '');
  return (
    <>
      <Heading title={t('try.title')} />
      <Typography.Paragraph type="secondary">
        {t('try.intro')}
        {t('sentence')}
        {maySend ? t('try.sendHint') : t(sends ? 'try.viewer' : 'try.inCluster')}
      </Typography.Paragraph>
      {ofKind(objects, 'Gateway').length === 0 && (
        <Alert type="info" showIcon className="trouble" title={t('try.noGateway')} />
      )}
      <Form
        layout="vertical"
        className="editor"
        onFinish={() => void attempt(maySend ? 'trial' : 'prediction')}
      >
        <TrialForm values={values} findings={findings} maySend={maySend} onChange={change} />
        <Space wrap>
          {maySend && (
            <Button type="primary" htmlType="submit" loading={asking === 'trial'}>
              {t('try.send')}
            </Button>
          )}
          <Button loading={asking === 'prediction'} onClick={() => void attempt('prediction')}>
            {t('try.predict')}
          </Button>
          <Button onClick={() => void copy(command)}>{t('try.copyCurl')}</Button>
          <Button onClick={() => void copy(() => window.location.href)}>{t('try.copyLink')}</Button>
        </Space>
        <div aria-live="polite">
          {elsewhere(findings, PATHS).map(({ field, message: what, reason }) => (
            <Alert
              key={field + what}
              type="error"
              showIcon
              className="trouble"
              title={<Told of="problems" reason={reason} text={what} />}
            />
          ))}
        </div>
      </Form>
      <div aria-live="polite">{result && <Shown result={result} />}</div>
    </>
  );
}

function Shown({ result: { prediction, trial, sent } }: { result: Result }) {
  const { t } = useTranslation();
  const objects = useObjects();
  const workloads = ofKind(objects, 'Workload');
  const services = ofKind(objects, 'Service');
  const serviceOf = (proxy: string) => serviceOfProxy(proxy, workloads, services);
  return (
    <>
      <Typography.Title level={2}>{t('try.paths')}</Typography.Title>
      {trial && hasOthers(trial, sent, serviceOf) && (
        <Alert type="info" showIcon className="trouble" title={t('try.others')} />
      )}
      <PathComparison hops={compared(prediction, trial, sent, serviceOf)} prediction={prediction} />
      {trial && (
        <>
          <Typography.Title level={2}>{t('try.answers')}</Typography.Title>
          <ul className="answers">
            {trial.answers.map(({ status, body, count }, index) => (
              <li key={index}>
                <Tag color={status >= 200 && status < 400 ? 'success' : 'error'}>
                  {status === 0 ? t('try.noAnswer', { count }) : t('try.answer', { status, count })}
                </Tag>
                <pre tabIndex={0}>{body}</pre>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
