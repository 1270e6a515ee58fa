/** The lane map of a group: what is looked for in it, then a grid, or a list on a narrow screen. */
import { Checkbox, Empty, Input, Space, Typography } from 'antd';
import { useDeferredValue, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Lane, LaneGroup } from '../api/kinds';
import { laneMap } from '../lanes/laneMap';
import { servicesOf } from '../lanes/lanes';
import { shown } from '../lanes/references';
import { useTraffic } from '../traffic/useTraffic';
import { MapGrid } from './MapGrid';
import { MapList } from './MapList';
import { useNarrow } from './viewport';

/** A map with fewer rows and columns is looked over at a glance. */
const GLANCE = 8;

export function LaneMap({ group, lanes }: { group: LaneGroup; lanes: readonly Lane[] }) {
  const { t } = useTranslation();
  const { figures } = useTraffic(group.metadata.name);
  const narrow = useNarrow();
  const [filter, setFilter] = useState({ lanes: '', services: '', busy: false });
  const wanted = useDeferredValue(filter);
  const [made] = useState(() => new Map());
  const rows = useMemo(() => laneMap(group, lanes, made), [group, lanes, made]);
  const services = useMemo(() => servicesOf(group), [group]);
  const busy = useMemo(
    () => new Set([...(figures?.values() ?? [])].filter((f) => f.perSecond > 0).map((f) => f.lane)),
    [figures],
  );
  const shownRows = useMemo(
    () =>
      rows.filter(
        ({ lane: { metadata } }) =>
          has(metadata.name, wanted.lanes) && (!wanted.busy || busy.has(metadata.name)),
      ),
    [rows, wanted, busy],
  );
  const columns = useMemo(
    () => services.flatMap((each, index) => (has(shown(each), wanted.services) ? [index] : [])),
    [services, wanted],
  );
  const filters = rows.length > GLANCE || services.length > GLANCE;
  const grid = { rows: shownRows, columns, figures };
  return (
    <section aria-labelledby="lane-map">
      <Typography.Title level={2} id="lane-map">
        {t('map.title')}
      </Typography.Title>
      {filters && (
        <Space wrap className="filters">
          <Input
            aria-label={t('map.searchLanes')}
            placeholder={t('map.searchLanes')}
            value={filter.lanes}
            onChange={({ target }) => setFilter({ ...filter, lanes: target.value })}
          />
          <Input
            aria-label={t('map.searchServices')}
            placeholder={t('map.searchServices')}
            value={filter.services}
            onChange={({ target }) => setFilter({ ...filter, services: target.value })}
          />
          {figures !== null && (
            <Checkbox
              checked={filter.busy}
              onChange={({ target }) => setFilter({ ...filter, busy: target.checked })}
            >
              {t('map.onlyBusy')}
            </Checkbox>
          )}
        </Space>
      )}
      {shownRows.length === 0 || columns.length === 0 ? (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('map.noneFound')} />
      ) : narrow ? (
        <MapList {...grid} />
      ) : (
        <>
          <MapGrid {...grid} />
          <Typography.Text type="secondary" id="lane-map-hint">
            {t('map.hint')}
          </Typography.Text>
        </>
      )}
    </section>
  );
}

function has(text: string, wanted: string): boolean {
  return text.toLowerCase().includes(wanted.trim().toLowerCase());
}
