/** The lane map for a narrow screen: the same facts as a list. */
import { Button, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Row } from '../lanes/laneMap';
import { shown } from '../lanes/references';
import { key, type Figures } from '../traffic/figures';
import { CellText, health, useWords } from './MapCell';

/** Lanes that are shown at first. */
const LANES = 20;

interface Props {
  rows: readonly Row[];
  columns: readonly number[];
  figures: ReadonlyMap<string, Figures> | null;
}

export function MapList({ rows, columns, figures }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const [most, setMost] = useState(LANES);
  return (
    <>
      {rows.slice(0, most).map(({ lane, isBaseline, cells }) => (
        <section key={lane.metadata.name} className="map-list">
          <h3>
            <bdi>{lane.metadata.name}</bdi>{' '}
            {isBaseline && <Tag color="blue">{t('lane.baseline')}</Tag>}
            {lane.spec.enabled === false && <Tag>{t('lane.disabled')}</Tag>}
          </h3>
          <dl>
            {columns.map((place) => {
              const cell = cells[place];
              if (cell === undefined) return null;
              const its = figures?.get(key(lane.metadata.name, cell.service));
              return (
                <div key={cell.service} className={`cell ${cell.answers} ${health(cell)}`}>
                  <dt>{shown(cell.service)}</dt>
                  <dd>
                    <CellText cell={cell} figures={its} words={words} />
                  </dd>
                </div>
              );
            })}
          </dl>
        </section>
      ))}
      {rows.length > most && (
        <Button onClick={() => setMost(most + LANES)}>
          {t('more', { count: rows.length - most })}
        </Button>
      )}
    </>
  );
}
