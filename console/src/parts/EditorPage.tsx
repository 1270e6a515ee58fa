/** The frame of a form: title, the form, what is wrong beyond its fields, and its buttons. */
import { Alert, App, Button, Form, Space, Typography } from 'antd';
import { useContext, useRef, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import type { Written } from '../api/kinds';
import { Refused, write, type Finding } from '../api/requests';
import { writeLatest } from '../api/statusRaces';
import { document } from '../lanes/commits';
import { elsewhere } from '../lanes/findings';
import { findingsOf, go, useFindings, Who } from './hooks';
import { ToCommit } from './ToCommit';

interface Props {
  title: string;
  object: Written;
  /** The object as it is; undefined for a new one. */
  before: Written | undefined;
  /** The paths that the form's fields show findings of. */
  paths: readonly string[];
  mayEdit: boolean;
  /** Somebody else changed the object since the form was filled. */
  outdated: boolean;
  /** Whether the user has typed anything yet: nobody is told off before. */
  touched: boolean;
  back: string;
  /** Forgets what was typed. */
  discard: () => void;
  reload: () => void;
  children: (findings: readonly Finding[]) => ReactNode;
}

/** As long as events take to be shown. */
const caughtUp = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 500));

export function EditorPage(props: Props) {
  const { object, mayEdit, outdated, touched } = props;
  const fromFiles = props.before?.declaredBy !== undefined;
  const [shown, setShown] = useState(false);
  const { t } = useTranslation();
  // Until it is known who looks, nobody is told that they may not.
  const known = useContext(Who).name !== '';
  const { message } = App.useApp();
  const [refused, setRefused] = useState<{ object: string; findings: Finding[] } | null>(null);
  const [saving, setSaving] = useState(false);
  const [unreachable, setUnreachable] = useState(false);
  const found = useFindings(object, mayEdit && touched && !outdated && !fromFiles);
  const text = JSON.stringify(object);
  const findings = refused?.object === text ? refused.findings : touched ? found : [];

  const latest = useRef({ object, outdated });
  latest.current = { object, outdated };

  const save = async (): Promise<void> => {
    if (fromFiles) {
      setShown(true);
      return;
    }
    setSaving(true);
    setUnreachable(false);
    try {
      await writeLatest(write, () => latest.current, caughtUp);
      props.discard();
      void message.success(t('saved', { name: object.metadata.name }));
      go(props.back);
    } catch (error) {
      if (error instanceof Refused) setRefused({ object: text, findings: findingsOf(error) });
      else setUnreachable(true);
    } finally {
      setSaving(false);
    }
  };
  const others = elsewhere(findings, props.paths);
  return (
    <>
      <Typography.Title level={1}>{props.title}</Typography.Title>
      {!mayEdit && known && <Alert type="info" showIcon title={t('viewer')} />}
      {mayEdit && fromFiles && <Alert type="info" showIcon title={t('files.edit')} />}
      {outdated && (
        <Alert
          type="warning"
          showIcon
          title={t('conflict', { name: object.metadata.name })}
          action={<Button onClick={props.reload}>{t('reload')}</Button>}
        />
      )}
      <Form layout="vertical" onFinish={() => void save()} disabled={!mayEdit} className="editor">
        {props.children(findings)}
        <div aria-live="polite">
          {others.map(({ field, message: what }) => (
            <Alert key={field + what} type="error" showIcon title={field ? `${field}: ${what}` : what} />
          ))}
          {unreachable && <Alert type="error" showIcon title={t('unreachable')} />}
          {shown && <ToCommit documents={[document(object, object.spec)]} />}
        </div>
        <Space className="buttons">
          <Button type="primary" htmlType="submit" loading={saving} disabled={!mayEdit || outdated}>
            {t(fromFiles ? 'files.show' : 'actions.save')}
          </Button>
          <Button
            disabled={false}
            onClick={() => {
              props.discard();
              go(props.back);
            }}
          >
            {t('actions.cancel')}
          </Button>
        </Space>
      </Form>
    </>
  );
}
