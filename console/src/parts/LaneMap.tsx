/** The lane map as a grid: services across, lanes down. Arrow keys move; every cell has a name. */
import { ArrowRightOutlined, StopOutlined } from '@ant-design/icons';
import { Tag, Typography } from 'antd';
import { useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';

import type { Lane, LaneGroup } from '../api/kinds';
import { laneMap, type Cell, type Row } from '../lanes/laneMap';
import { servicesOf } from '../lanes/lanes';
import { shown } from '../lanes/references';

const STEPS: Record<string, [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -Infinity],
  End: [0, Infinity],
};

export function LaneMap({ group, lanes }: { group: LaneGroup; lanes: readonly Lane[] }) {
  const { t } = useTranslation();
  const rows = laneMap(group, lanes);
  const services = servicesOf(group);
  const grid = useRef<HTMLTableElement>(null);
  const [[row, column], setFocus] = useState<[number, number]>([0, 0]);
  const [target, setTarget] = useState<Cell | null>(null);

  const move = (event: KeyboardEvent): void => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next: [number, number] = [
      within(row + step[0], rows.length),
      within(column + step[1], services.length),
    ];
    setFocus(next);
    grid.current?.querySelector<HTMLElement>(`[data-cell="${next.join(',')}"]`)?.focus();
  };
  return (
    <section aria-labelledby="lane-map">
      <Typography.Title level={2} id="lane-map">
        {t('map.title')}
      </Typography.Title>
      <div className="map">
        <table
          role="grid"
          ref={grid}
          onKeyDown={move}
          aria-labelledby="lane-map"
          aria-describedby="lane-map-hint"
        >
          <thead>
            <tr>
              <th scope="col">{t('map.lane')}</th>
              {services.map((service) => (
                <th key={service} scope="col">
                  {shown(service)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((each, y) => (
              <tr key={each.lane.metadata.name}>
                <th scope="row">
                  <bdi>{each.lane.metadata.name}</bdi>{' '}
                  {each.isBaseline && <Tag color="blue">{t('lane.baseline')}</Tag>}
                  {each.lane.spec.enabled === false && <Tag>{t('lane.disabled')}</Tag>}
                </th>
                {each.cells.map((cell, x) => (
                  <td
                    key={cell.service}
                    data-cell={`${y},${x}`}
                    tabIndex={y === within(row, rows.length) && x === column ? 0 : -1}
                    className={`cell ${cell.answers} ${health(cell)} ${
                      isTarget(target, each, cell) ? 'target' : ''
                    }`}
                    aria-label={labelOf(each, cell)}
                    onFocus={() => {
                      setFocus([y, x]);
                      setTarget(cell);
                    }}
                    onBlur={() => setTarget(null)}
                    onMouseEnter={() => setTarget(cell)}
                    onMouseLeave={() => setTarget(null)}
                  >
                    <CellText cell={cell} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Typography.Text type="secondary" id="lane-map-hint">
        {t('map.hint')}
      </Typography.Text>
    </section>
  );

  function labelOf(each: Row, cell: Cell): string {
    const names = {
      lane: each.lane.metadata.name,
      service: shown(cell.service),
      target: cell.lane,
      ready: cell.count?.ready,
      total: cell.count?.total,
      own: cell.own?.total,
    };
    if (cell.answers === 'nowhere') return t('map.nowhere', names);
    if (cell.answers === 'own') return cell.count ? t('map.own', names) : t('map.ownUnknown', names);
    if (cell.count === null) return t('map.fallbackUnknown', names);
    return cell.own === null ? t('map.fallback', names) : t('map.fallbackDown', names);
  }
}

function CellText({ cell }: { cell: Cell }) {
  const { t } = useTranslation();
  const count = (each: { ready: number; total: number }): string => t('map.ready', each);
  if (cell.answers === 'nowhere') {
    return (
      <>
        {cell.own && <div>{count(cell.own)}</div>}
        <StopOutlined aria-hidden /> {t('map.nobody')}
      </>
    );
  }
  if (cell.answers === 'own') return cell.count ? count(cell.count) : '…';
  return (
    <>
      {cell.own && <div>{count(cell.own)}</div>}
      <ArrowRightOutlined aria-hidden /> <bdi>{cell.lane}</bdi>
    </>
  );
}

/** Whether the cell is the one that answers for the cell which is looked at. */
function isTarget(looked: Cell | null, row: Row, cell: Cell): boolean {
  return (
    looked?.answers === 'fallback' &&
    looked.service === cell.service &&
    looked.lane === row.lane.metadata.name
  );
}

function health({ own, answers }: Cell): string {
  if (answers === 'nowhere') return 'bad';
  if (own === null) return '';
  return own.ready === 0 ? 'bad' : own.ready < own.total ? 'doubtful' : 'good';
}

function within(index: number, length: number): number {
  return Math.max(0, Math.min(index, length - 1));
}
