/** The page that a route names, once its objects are known. */
import { Skeleton } from 'antd';
import { lazy, Suspense, useContext, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';

import type { LaneGroup } from '../api/kinds';
import { ofKind } from '../api/objects';
import { isServed } from '../lanes/rights';
import { Failing } from '../parts/Failing';
import { useObjects, Who } from '../parts/hooks';
import { Missing } from '../parts/Missing';
import { NotServed } from '../parts/NotServed';
import { groupLink, groupsLink, neededBy, type Route } from '../routes';
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
    <Failing key={route.page}>
      <Suspense fallback={<Skeleton active />}>
        <Content route={route} />
      </Suspense>
    </Failing>
  );
}

function Content({ route }: { route: Route }) {
  const { t } = useTranslation();
  const objects = useObjects();
  const who = useContext(Who);
  if (objects.refusal !== '' && objects.objects.size === 0) return null; // the banner says why
  // Until the server has told what there is, nothing is said to be missing.
  if (objects.connection !== 'live' && objects.objects.size === 0) return <Skeleton active />;
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
  if (!('group' in route)) {
    return <Missing text={t('nowhere')} to={groupsLink} where={t('groups.title')} />;
  }
  return <OfGroup key={route.group} route={route} />;
}

type GroupRoute = Extract<Route, { group: string }>;

function OfGroup({ route }: { route: Exclude<GroupRoute, { page: 'traffic' }> }) {
  const { t } = useTranslation();
  const found = ofKind(useObjects(), 'LaneGroup').find(
    ({ metadata }) => metadata.name === route.group,
  );
  const seen = useLastSeen(found);
  if (seen === undefined || (found === undefined && NOT_FORMS.has(route.page))) {
    const text = seen ? 'group.deleted' : 'group.noneFound';
    return (
      <Missing text={t(text, { name: route.group })} to={groupsLink} where={t('groups.title')} />
    );
  }
  if (route.page === 'group') return <Group group={seen} />;
  if (route.page === 'edit-group') {
    return <EditGroup before={seen} isGone={found === undefined} />;
  }
  if (route.page === 'weights') return <Weights group={seen} />;
  if (route.page === 'new-lane') return <EditLane key="new-lane" group={seen} />;
  return <OfLane key={`lane ${route.lane}`} route={route} group={seen} />;
}

interface OfLaneProps {
  route: Extract<Route, { lane: string }>;
  group: LaneGroup;
}

function OfLane({ route, group }: OfLaneProps) {
  const { t } = useTranslation();
  const found = ofKind(useObjects(), 'Lane').find(
    ({ metadata, spec }) => metadata.name === route.lane && spec.group === route.group,
  );
  const seen = useLastSeen(found);
  if (seen === undefined) {
    const { name } = group.metadata;
    return (
      <Missing
        text={t('lane.noneFound', { name: route.lane })}
        to={groupLink(name)}
        where={t('group.backTo', { name })}
      />
    );
  }
  const isGone = found === undefined;
  if (route.page === 'edit-lane') return <EditLane group={group} before={seen} isGone={isGone} />;
  return <Rules group={group} lane={seen} isGone={isGone} />;
}

/** Pages that have no input to lose when their group is deleted. */
const NOT_FORMS: ReadonlySet<string> = new Set<Route['page']>(['group', 'weights']);

/** A form stays open when its object is deleted, as there may be input in it. */
function useLastSeen<T>(found: T | undefined): T | undefined {
  const seen = useRef(found);
  useEffect(() => {
    if (found !== undefined) seen.current = found;
  }, [found]);
  return found ?? seen.current;
}
