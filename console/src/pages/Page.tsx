/** The page that a route names, once its objects are known. */
import { Result, Skeleton } from 'antd';
import { lazy, Suspense, useContext } from 'react';
import { useTranslation } from 'react-i18next';

import { ofKind } from '../api/objects';
import { isServed } from '../lanes/rights';
import { useObjects, Who } from '../parts/hooks';
import { NotServed } from '../parts/NotServed';
import { neededBy, type Route } from '../routes';
import { EditGroup } from './EditGroup';
import { EditLane } from './EditLane';
import { Group } from './Group';
import { Groups } from './Groups';
import { Rules } from './Rules';

// What is not on the way to the first page is loaded when it is asked for.
const Findings = lazy(async () => ({ default: (await import('./Findings')).Findings }));
const Generated = lazy(async () => ({ default: (await import('./Generated')).Generated }));
const History = lazy(async () => ({ default: (await import('./History')).History }));
const Proxies = lazy(async () => ({ default: (await import('./Proxies')).Proxies }));
const Revision = lazy(async () => ({ default: (await import('./Revision')).Revision }));
const Tap = lazy(async () => ({ default: (await import('./Tap')).Tap }));
const Traffic = lazy(async () => ({ default: (await import('./Traffic')).Traffic }));
const TryIt = lazy(async () => ({ default: (await import('./TryIt')).TryIt }));
const Weights = lazy(async () => ({ default: (await import('./Weights')).Weights }));

export function Page({ route }: { route: Route }) {
  return (
    <Suspense fallback={<Skeleton active />}>
      <Content route={route} />
    </Suspense>
  );
}

function Content({ route }: { route: Route }) {
  const { t } = useTranslation();
  const objects = useObjects();
  const who = useContext(Who);
  if (objects.connection === 'connecting' && objects.objects.size === 0) return <Skeleton active />;
  if (objects.refusal !== '' && objects.objects.size === 0) return null; // the banner says why
  const resource = neededBy(route);
  if (resource !== null && !isServed(who, resource)) return <NotServed resource={resource} />;
  if (route.page === 'groups') return <Groups />;
  if (route.page === 'new-group') return <EditGroup key="new" />;
  if (route.page === 'findings') return <Findings />;
  if (route.page === 'generated') return <Generated />;
  if (route.page === 'history') return <History />;
  if (route.page === 'proxies') return <Proxies />;
  if (route.page === 'revision') return <Revision key={route.revision} number={route.revision} />;
  if (route.page === 'tap') return <Tap />;
  if (route.page === 'traffic') return <Traffic group={route.group} />;
  if (route.page === 'try') return <TryIt query={route.query} />;
  if (!('group' in route)) return <Missing text={t('nowhere')} />;

  const group = ofKind(objects, 'LaneGroup').find(({ metadata }) => metadata.name === route.group);
  if (group === undefined) return <Missing text={t('group.noneFound', { name: route.group })} />;
  if (route.page === 'group') return <Group group={group} />;
  if (route.page === 'edit-group') return <EditGroup key={route.group} before={group} />;
  if (route.page === 'weights') return <Weights key={route.group} group={group} />;
  if (route.page === 'new-lane') return <EditLane key="new" group={group} />;

  const lane = ofKind(objects, 'Lane').find(
    ({ metadata, spec }) => metadata.name === route.lane && spec.group === route.group,
  );
  if (lane === undefined) return <Missing text={t('lane.noneFound', { name: route.lane })} />;
  if (route.page === 'edit-lane') return <EditLane key={route.lane} group={group} before={lane} />;
  return <Rules key={route.lane} group={group} lane={lane} />;
}

function Missing({ text }: { text: string }) {
  return <Result status="info" title={text} />;
}
