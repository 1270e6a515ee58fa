/** An object's state in one word, in words and colour. */
import {
  CheckCircleOutlined,
  CloseCircleOutlined,
  ExclamationCircleOutlined,
  SyncOutlined,
} from '@ant-design/icons';
import { Tag } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Lane, LaneGroup } from '../api/kinds';
import { state, troubles, type State } from '../lanes/lanes';
import { heading } from './words';

const LOOKS: Record<State, { color: string; icon: React.ReactNode }> = {
  ready: { color: 'success', icon: <CheckCircleOutlined aria-hidden /> },
  progressing: { color: 'processing', icon: <SyncOutlined aria-hidden /> },
  degraded: { color: 'warning', icon: <ExclamationCircleOutlined aria-hidden /> },
  invalid: { color: 'error', icon: <CloseCircleOutlined aria-hidden /> },
};

export function StatusTag({ object }: { object: Lane | LaneGroup }) {
  const { t, i18n } = useTranslation();
  const found = state(object);
  const why = troubles(object).map(({ reason, message }) =>
    [heading(i18n, 'conditions', reason), message].filter(Boolean).join('\n'),
  );
  return (
    <Tag {...LOOKS[found]} title={why.join('\n')}>
      {t(`state.${found}`)}
    </Tag>
  );
}
