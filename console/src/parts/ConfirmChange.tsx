/** Asks before a change is made, and shows which requests it leads elsewhere. */
import { Alert, App, Button, Checkbox, Space, Spin, Typography } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { Refused } from '../api/requests';
import type { Changes } from '../api/reviews';
import { ChangedPaths } from './ChangedPaths';
import { Dialog } from './Dialog';
import { findingsOf, OUTDATED, useServed, wrongOf, type Wrong } from './hooks';
import { Told } from './Told';
import { ToCommit } from './ToCommit';

const INVALID = 422;

export interface Planned {
  title: string;
  hint?: string;
  /** What the button says. */
  confirm: string;
  done: string;
  /** `force` takes over what other sources declare; only where `mayForce`. */
  preview: (force: boolean) => Promise<Changes>;
  act: (force: boolean) => Promise<unknown>;
  mayForce?: boolean;
  /** It deletes something. */
  deletes?: boolean;
  /** It can be made although what is left is invalid: proxies keep the last valid state. */
  mayBreak?: boolean;
  /** Where files declare what would change: what is to be committed there instead. */
  commit?: readonly object[] | undefined;
}

export function ConfirmChange({ planned, onClose }: { planned: Planned; onClose: () => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const { commit } = planned;
  const [force, setForce] = useState(commit !== undefined);
  const [changes, setChanges] = useState<Changes | null>(null);
  const [wrong, setWrong] = useState<Wrong[]>([]);
  const [conflict, setConflict] = useState(false);
  const [acting, setActing] = useState(false);
  const [breaks, setBreaks] = useState(false);
  const canPreview = useServed('previews');

  const fail = (error: unknown): void => {
    const refused = error instanceof Refused;
    setWrong(refused ? findingsOf(error) : [wrongOf(error, t('unreachable'))]);
    if (refused && error.code === OUTDATED) setConflict(true);
  };
  useEffect(() => {
    let outdated = false;
    setChanges(null);
    setWrong([]);
    if (!canPreview) return;
    planned.preview(force).then(
      (found) => outdated || setChanges(found),
      (error: unknown) => {
        if (outdated) return;
        fail(error);
        setBreaks(error instanceof Refused && error.code === INVALID && planned.mayBreak === true);
      },
    );
    return () => {
      outdated = true;
    };
    // What is planned does not change while it is asked about.
  }, [force]);

  const act = async (): Promise<void> => {
    setActing(true);
    setWrong([]);
    try {
      await planned.act(force);
      void message.success(planned.done);
      onClose();
    } catch (error) {
      fail(error);
    } finally {
      setActing(false);
    }
  };
  return (
    <Dialog title={planned.title} onClose={onClose}>
      {planned.hint && <Typography.Paragraph>{planned.hint}</Typography.Paragraph>}
      <div aria-live="polite">
        {changes !== null && <ChangedPaths changes={changes} />}
        {changes?.warnings.map((text) => (
          <Alert key={text} type="warning" showIcon className="trouble" title={text} />
        ))}
        {wrong.map(({ message: text, reason }) => (
          <Alert
            key={text}
            type={breaks ? 'warning' : 'error'}
            showIcon
            className="trouble"
            title={<Told of="problems" reason={reason} text={text} />}
          />
        ))}
        {breaks && <Typography.Paragraph>{t('preview.breaks')}</Typography.Paragraph>}
        {!canPreview && (
          <Alert type="info" showIcon className="trouble" title={t('preview.unavailable')} />
        )}
        {canPreview && changes === null && wrong.length === 0 && (
          <p>
            <Spin size="small" /> {t('preview.looking')}
          </p>
        )}
      </div>
      {commit !== undefined && <ToCommit documents={commit} />}
      {commit === undefined && conflict && planned.mayForce && (
        <p>
          <Checkbox checked={force} onChange={({ target }) => setForce(target.checked)}>
            {t('preview.takeOver')}
          </Checkbox>
        </p>
      )}
      <Space>
        {commit === undefined && (
          <Button
            type="primary"
            danger={planned.deletes ?? false}
            loading={acting}
            disabled={canPreview && changes === null && !breaks}
            onClick={() => void act()}
          >
            {planned.confirm}
          </Button>
        )}
        <Button onClick={onClose}>
          {t(commit === undefined ? 'actions.cancel' : 'actions.close')}
        </Button>
      </Space>
    </Dialog>
  );
}
