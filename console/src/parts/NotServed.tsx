/** Instead of a page that this server, or this user, has nothing for: why, and what there is. */
import { Result } from 'antd';
import { useContext } from 'react';
import { useTranslation } from 'react-i18next';

import { isInCluster } from '../api/place';
import type { Served } from '../lanes/rights';
import { Who } from './hooks';

/** What a cluster never has. The others need the operator's API, and the right to use it. */
const ON_ONE_MACHINE = ['processes', 'proxies', 'revisions', 'traffic'] as const;

export function NotServed({ resource }: { resource: Served }) {
  const { t } = useTranslation();
  const known = useContext(Who).name !== '';
  if (!known) return null;
  const here = ON_ONE_MACHINE.find((each) => each === resource);
  const why = isInCluster() && here !== undefined ? t(`cluster.${here}`) : t('cluster.needsApi');
  return <Result status="info" title={t('cluster.notHere')} subTitle={why} />;
}
