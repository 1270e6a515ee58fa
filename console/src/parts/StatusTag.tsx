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

const LOOKS: Record<State, { color: string; icon: React.ReactNode }> = {
  ready: { color: 'success', icon: <CheckCircleOutlined aria-hidden /> },
  progressing: { color: 'processing', icon: <SyncOutlined aria-hidden /> },
  degraded: { color: 'warning', icon: <ExclamationCircleOutlined aria-hidden /> },
  invalid: { color: 'error', icon: <CloseCircleOutlined aria-hidden /> },
};

export function StatusTag({ object }: { object: Lane | LaneGroup }) {
  const { t } = useTranslation();
  const found = state(object);
  return (
    <Tag {...LOOKS[found]} title={troubles(object).join('\n')}>
      {t(`state.${found}`)}
    </Tag>
  );
}
