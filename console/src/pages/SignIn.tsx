/** Signing in: by the link that laneway prints, which has a code, or by a token. */
import { Alert, Button, Card, Form, Input, Typography } from 'antd';
import { useEffect, useState } from 'react';
import { Trans, useTranslation } from 'react-i18next';

import { isInCluster } from '../api/place';
import { isValid, signIn } from '../api/requests';
import * as session from '../api/session';
import { Field } from '../parts/Field';
import { wrongOf, type Wrong } from '../parts/hooks';
import { Told } from '../parts/Told';
import { groupsLink } from '../routes';

export function SignIn({ code }: { code: string }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState<Wrong | null>(null);
  const [working, setWorking] = useState(code !== '');

  useEffect(() => {
    if (code === '') return;
    // Out of the history before it is used, so that going back does not try it again.
    window.history.replaceState(null, '', groupsLink);
    signIn(code).then(
      () => window.dispatchEvent(new HashChangeEvent('hashchange')),
      (error: unknown) => {
        window.dispatchEvent(new HashChangeEvent('hashchange'));
        setWorking(false);
        setWrong(wrongOf(error, t('unreachable')));
      },
    );
  }, [code, t]);

  const submit = async (): Promise<void> => {
    setWorking(true);
    try {
      if (await isValid(text.trim())) session.begin(text.trim());
      else setWrong({ message: t('signIn.wrong'), reason: '' });
    } catch (error) {
      setWrong(wrongOf(error, t('unreachable')));
    } finally {
      setWorking(false);
    }
  };
  return (
    <Card className="sign-in">
      <Typography.Title level={1}>{t('signIn.title')}</Typography.Title>
      <div aria-live="assertive">
        {wrong !== null && (
          <Alert
            type="error"
            showIcon
            title={<Told of="problems" reason={wrong.reason} text={wrong.message} />}
          />
        )}
      </div>
      <Form layout="vertical" onFinish={() => void submit()}>
        <Field label={t('signIn.token')} findings={[]} required>
          {(id, described) => (
            <Input.Password
              id={id}
              {...described}
              value={text}
              onChange={({ target }) => setText(target.value)}
              autoComplete="off"
            />
          )}
        </Field>
        <Typography.Paragraph type="secondary">
          {isInCluster() ? (
            <Trans i18nKey="signIn.clusterHint">
              {'Paste '}
              <code>kubectl create token NAME --namespace NAMESPACE</code>
            </Trans>
          ) : (
            <Trans i18nKey="signIn.hint">
              {'Run '}
              <code>laneway console</code>
              {' or '}
              <code>laneway token create NAME</code>
            </Trans>
          )}
        </Typography.Paragraph>
        <Button type="primary" htmlType="submit" loading={working} disabled={text.trim() === ''}>
          {working ? t('signIn.working') : t('signIn.submit')}
        </Button>
      </Form>
    </Card>
  );
}
