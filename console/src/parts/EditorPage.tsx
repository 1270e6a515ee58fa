/** The frame of a form: title, the form, what is wrong beyond its fields, and its buttons. */
import { Alert, App, Button, Form, Space } from 'antd';
import { useContext, useRef, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import type { Written } from '../api/kinds';
import { Refused, write, type Finding } from '../api/requests';
import { writeLatest } from '../api/statusRaces';
import { document } from '../lanes/commits';
import { elsewhere } from '../lanes/findings';
import { anew } from '../lanes/recreation';
import { Changed } from './Changed';
import { Heading, type Place } from './Heading';
import { findingsOf, go, useFindings, Who } from './hooks';
import { Told } from './Told';
import { ToCommit } from './ToCommit';
import type { Form as Input } from './useForm';

interface Props<V> {
  title: string;
  /** The pages above this one. */
  trail: readonly Place[];
  form: Input<V>;
  /** The object that values of the form describe. */
  object: (values: V) => Written;
  /** The object as it is, or as it was; undefined for a new one. */
  before: Written | undefined;
  /** Somebody deleted the object while the form was open. */
  isGone?: boolean;
  /** The paths that the form's fields show findings of. */
  paths: readonly string[];
  mayEdit: boolean;
  /** Where who cancels goes to, and who saves. */
  back: string;
  saved: string;
  children: (findings: readonly Finding[]) => ReactNode;
}

/** As long as events take to be shown. */
const caughtUp = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 500));

export function EditorPage<V>(props: Props<V>) {
  const { form, before, isGone = false, mayEdit } = props;
  const object = isGone ? anew(props.object(form.values)) : props.object(form.values);
  const { name } = object.metadata;
  const fromFiles = before?.declaredBy !== undefined;
  const [shown, setShown] = useState(false);
  const { t } = useTranslation();
  // Until it is known who looks, nobody is told that they may not.
  const known = useContext(Who).name !== '';
  const { message } = App.useApp();
  const [refused, setRefused] = useState<{ object: string; findings: Finding[] } | null>(null);
  const [saving, setSaving] = useState(false);
  const [unreachable, setUnreachable] = useState(false);
  const outdated = form.isOutdated && !isGone && !saving;
  const checked = mayEdit && form.isTouched && !outdated && !fromFiles;
  const found = useFindings(object, checked);
  const text = JSON.stringify(object);
  // Nobody is told off before anything was typed.
  const findings = refused?.object === text ? refused.findings : form.isTouched ? found : [];

  const latest = useRef({ object, outdated: form.isOutdated });
  latest.current = { object, outdated: form.isOutdated };

  const save = async (): Promise<void> => {
    if (fromFiles) {
      setShown(true);
      return;
    }
    setSaving(true);
    setUnreachable(false);
    try {
      await writeLatest(write, () => latest.current, caughtUp);
      form.forget();
      void message.success(t('saved', { name }));
      go(props.saved);
    } catch (error) {
      if (error instanceof Refused) setRefused({ object: text, findings: findingsOf(error) });
      else setUnreachable(true);
      setSaving(false);
    }
  };
  const others = elsewhere(findings, props.paths);
  return (
    <>
      <Heading title={props.title} trail={props.trail} />
      {!mayEdit && known && <Alert type="info" showIcon className="trouble" title={t('viewer')} />}
      {mayEdit && fromFiles && (
        <Alert type="info" showIcon className="trouble" title={t('files.edit')} />
      )}
      <div role="status">
        {isGone && !saving && (
          <Alert type="warning" showIcon className="trouble" title={t('gone', { name })} />
        )}
        {outdated && (
          <Changed
            current={props.object(form.current)}
            redone={props.object(form.redone)}
            onRedo={form.redo}
            onDiscard={form.discard}
          />
        )}
      </div>
      <Form layout="vertical" onFinish={() => void save()} disabled={!mayEdit} className="editor">
        {props.children(findings)}
        <Space className="buttons">
          {mayEdit && (
            <Button type="primary" htmlType="submit" loading={saving} disabled={outdated}>
              {t(fromFiles ? 'files.show' : isGone ? 'createAgain' : 'actions.save')}
            </Button>
          )}
          <Button
            disabled={false}
            onClick={() => {
              form.forget();
              go(props.back);
            }}
          >
            {t(mayEdit ? 'actions.cancel' : 'actions.back')}
          </Button>
        </Space>
        <div aria-live="polite">
          {others.map(({ field, message: what, reason }) => (
            <Alert
              key={field + what}
              type="error"
              showIcon
              className="trouble"
              title={<Told of="problems" reason={reason} text={field ? `${field}: ${what}` : what} />}
            />
          ))}
          {unreachable && (
            <Alert type="error" showIcon className="trouble" title={t('unreachable')} />
          )}
          {shown && <ToCommit documents={[document(object, object.spec)]} />}
        </div>
      </Form>
    </>
  );
}
