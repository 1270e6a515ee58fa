/** Tells who fills in a form that its object is another one by now: both are shown. */
import { Alert, Button, Space } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Written } from '../api/kinds';
import { lineDiff } from '../generated/lineDiff';
import { ordered, yaml } from '../generated/yaml';
import { isSame } from '../lanes/merges';
import { Diff } from './Diff';

interface Props {
  /** As it is now. */
  current: Written;
  /** What the input would make of it. */
  redone: Written;
  onRedo: () => void;
  onDiscard: () => void;
}

export function Changed({ current, redone, onRedo, onDiscard }: Props) {
  const { t } = useTranslation();
  const { name } = current.metadata;
  return (
    <Alert
      type="warning"
      showIcon
      className="trouble"
      title={t('conflict.title', { name })}
      description={
        <>
          {isSame(current.spec, redone.spec) ? (
            <p>{t('conflict.same')}</p>
          ) : (
            <>
              <p>{t('conflict.hint')}</p>
              <Diff title={name} lines={lineDiff(text(current), text(redone))} />
            </>
          )}
          <Space wrap>
            <Button type="primary" disabled={false} onClick={onRedo}>
              {t('conflict.redo')}
            </Button>
            <Button disabled={false} onClick={onDiscard}>
              {t('conflict.discard')}
            </Button>
          </Space>
        </>
      }
    />
  );
}

function text({ spec }: Written): string {
  return yaml(ordered(spec));
}
