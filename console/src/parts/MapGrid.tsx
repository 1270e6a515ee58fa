/**
 * The lane map as a grid: services across, lanes down. Arrow keys move; every cell has a name. Of a
 * large map only what is seen is drawn: then rows and columns have a fixed size.
 */
import { Tag } from 'antd';
import { memo, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';

import { isSameCell, type Cell, type Row } from '../lanes/laneMap';
import { shown } from '../lanes/references';
import { key, type Figures } from '../traffic/figures';
import { stepOf } from './gridKeys';
import { CellText, health, leaks, sentence, useWords, type Words } from './MapCell';
import { scrolledTo, seen, type Extent } from './viewport';

/** More cells than this are not all drawn. */
const MOST_CELLS = 400;
/** In pixels, as `.map.large` has them. */
const ROW = 64;
const COLUMN = 180;
const HEAD = 48;
const FIRST = 200;
/** Drawn beyond what is seen, so that scrolling shows no gaps. */
const MARGIN = 3;

interface Props {
  rows: readonly Row[];
  /** By the place in `Row.cells`. */
  columns: readonly number[];
  figures: ReadonlyMap<string, Figures> | null;
}

export function MapGrid({ rows, columns, figures }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const large = rows.length * columns.length > MOST_CELLS;
  const area = useRef<HTMLDivElement>(null);
  const view = useView(area, large);
  const [[focusRow, focusColumn], setFocus] = useState<[number, number]>([0, 0]);
  const [target, setTarget] = useState<Cell | null>(null);
  /** Where the focus goes as soon as the cell is drawn. */
  const moved = useRef<[number, number] | null>(null);
  const hasFocus = useRef(false);

  const drawnRows = large ? seen(view.top, view.height, ROW, rows.length, MARGIN) : all(rows);
  const drawnColumns = large
    ? seen(view.left, view.width - FIRST, COLUMN, columns.length, MARGIN)
    : all(columns);
  // There is always a cell that the tab key leads to.
  const row = clamped(within(focusRow, rows.length), drawnRows);
  const column = clamped(within(focusColumn, columns.length), drawnColumns);

  // Before the next key arrives, which would be lost while the focus is nowhere.
  useLayoutEffect(() => {
    const drawn = ([y, x]: [number, number]) =>
      area.current?.querySelector<HTMLElement>(`[data-cell="${y},${x}"]`);
    const wanted = moved.current && drawn(moved.current);
    if (wanted) {
      moved.current = null;
      wanted.focus({ preventScroll: large });
    } else if (hasFocus.current && document.activeElement === document.body) {
      // The cell that had the focus was scrolled away.
      drawn([row, column])?.focus({ preventScroll: true });
    }
  });

  const move = (event: KeyboardEvent): void => {
    const step = stepOf(event);
    if (step === null) return;
    event.preventDefault();
    // Keys may come faster than the page is drawn.
    const [y, x] = moved.current ?? [row, column];
    const next: [number, number] = [
      within(y + step[0], rows.length),
      within(x + step[1], columns.length),
    ];
    moved.current = next;
    setFocus(next);
    if (large && area.current) {
      const { scrollTop, scrollLeft, clientHeight, clientWidth } = area.current;
      area.current.scrollTo({
        top: scrolledTo(next[0], ROW, scrollTop, clientHeight, HEAD),
        left: scrolledTo(next[1], COLUMN, scrollLeft, clientWidth, FIRST),
      });
    }
  };
  const look = (element: Element, focused: boolean): void => {
    const place = element.closest<HTMLElement>('[data-cell]')?.dataset['cell'];
    if (place === undefined) return;
    const [y = 0, x = 0] = place.split(',').map(Number);
    if (focused) setFocus([y, x]);
    setTarget(rows[y]?.cells[columns[x] ?? 0] ?? null);
  };
  const left = drawnColumns.start * COLUMN;
  const right = (columns.length - drawnColumns.end) * COLUMN;
  const someColumns = columns.slice(drawnColumns.start, drawnColumns.end);
  return (
    <div className={large ? 'map large' : 'map'} ref={area}>
      <table
        role="grid"
        onKeyDown={move}
        onFocus={({ target: element }) => {
          hasFocus.current = true;
          look(element, true);
        }}
        onBlur={() => {
          hasFocus.current = false;
          setTarget(null);
        }}
        onMouseOver={({ target: element }) => look(element as Element, false)}
        onMouseLeave={() => setTarget(null)}
        aria-labelledby="lane-map"
        aria-describedby="lane-map-hint"
        aria-rowcount={rows.length + 1}
        aria-colcount={columns.length + 1}
        style={large ? { width: FIRST + columns.length * COLUMN } : undefined}
      >
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col">{t('map.lane')}</th>
            <Gap width={left} />
            {someColumns.map((index, x) => (
              <th key={index} scope="col" aria-colindex={drawnColumns.start + x + 2}>
                {shown(rows[0]?.cells[index]?.service ?? '')}
              </th>
            ))}
            <Gap width={right} />
          </tr>
        </thead>
        <tbody>
          <GapRow height={drawnRows.start * ROW} />
          {rows.slice(drawnRows.start, drawnRows.end).map((each, index) => {
            const y = drawnRows.start + index;
            return (
              <tr key={each.lane.metadata.name} aria-rowindex={y + 2}>
                <LaneHeader row={each} />
                <Gap width={left} />
                {someColumns.map((place, i) => {
                  const x = drawnColumns.start + i;
                  const cell = each.cells[place];
                  if (cell === undefined) return null;
                  const name = each.lane.metadata.name;
                  return (
                    <MapCell
                      key={cell.service}
                      place={`${y},${x}`}
                      lane={name}
                      cell={cell}
                      figures={figures?.get(key(name, cell.service))}
                      isEntered={y === row && x === column}
                      isAimedAt={isTarget(target, each, cell)}
                      words={words}
                    />
                  );
                })}
                <Gap width={right} />
              </tr>
            );
          })}
          <GapRow height={(rows.length - drawnRows.end) * ROW} />
        </tbody>
      </table>
    </div>
  );
}

function LaneHeader({ row: { lane, isBaseline } }: { row: Row }) {
  const { t } = useTranslation();
  return (
    <th scope="row">
      <bdi>{lane.metadata.name}</bdi> {isBaseline && <Tag color="blue">{t('lane.baseline')}</Tag>}
      {lane.spec.enabled === false && <Tag>{t('lane.disabled')}</Tag>}
    </th>
  );
}

function Gap({ width }: { width: number }) {
  return width > 0 ? <td className="gap" aria-hidden style={{ width, minWidth: width }} /> : null;
}

function GapRow({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden>
      <td className="gap" style={{ height }} />
    </tr>
  );
}

interface View {
  top: number;
  left: number;
  width: number;
  height: number;
}

/** Scrolling draws the map again only after so many rows or columns, which the margin covers. */
const STEP = 2;

function stepped(position: number, size: number): number {
  return position - (position % (size * STEP));
}

/** What is seen of the area, in steps, and at most once a frame. */
function useView(area: React.RefObject<HTMLDivElement | null>, wanted: boolean): View {
  const [view, setView] = useState<View>({ top: 0, left: 0, width: 1200, height: 700 });
  useLayoutEffect(() => {
    const element = area.current;
    if (!wanted || element === null) return;
    let frame = 0;
    const look = (): void => {
      frame = 0;
      const { scrollTop, scrollLeft, clientWidth: width, clientHeight: height } = element;
      const next = { top: stepped(scrollTop, ROW), left: stepped(scrollLeft, COLUMN), width, height };
      setView((now) => (isSameView(now, next) ? now : next));
    };
    const later = (): void => {
      if (frame === 0) frame = requestAnimationFrame(look);
    };
    look();
    element.addEventListener('scroll', later, { passive: true });
    const observer = new ResizeObserver(later);
    observer.observe(element);
    return () => {
      cancelAnimationFrame(frame);
      element.removeEventListener('scroll', later);
      observer.disconnect();
    };
  }, [area, wanted]);
  return view;
}

function isSameView(one: View, other: View): boolean {
  return (
    one.top === other.top &&
    one.left === other.left &&
    one.width === other.width &&
    one.height === other.height
  );
}

interface CellProps {
  /** `row,column`. */
  place: string;
  lane: string;
  cell: Cell;
  figures: Figures | undefined;
  /** Whether the tab key leads to it. */
  isEntered: boolean;
  isAimedAt: boolean;
  words: Words;
}

/** Drawn again only if it changes: scrolling moves hundreds of cells, and changes none. */
const MapCell = memo(function MapCell(props: CellProps) {
  const { place, lane, cell, figures, isEntered, isAimedAt, words } = props;
  return (
    <td
      data-cell={place}
      aria-colindex={Number(place.split(',')[1]) + 2}
      tabIndex={isEntered ? 0 : -1}
      className={classes(cell, figures, isAimedAt)}
      aria-label={sentence(words, lane, cell, figures)}
    >
      <CellText cell={cell} figures={figures} words={words} />
    </td>
  );
}, isSame);

function isSame(one: CellProps, other: CellProps): boolean {
  return (
    one.place === other.place &&
    one.lane === other.lane &&
    one.figures === other.figures &&
    one.isEntered === other.isEntered &&
    one.isAimedAt === other.isAimedAt &&
    one.words === other.words &&
    isSameCell(one.cell, other.cell)
  );
}

function classes(cell: Cell, figures: Figures | undefined, isAimedAt: boolean): string {
  const failing = (figures?.errorsPerSecond ?? 0) > 0;
  return [
    'cell',
    cell.answers,
    health(cell),
    ...(isAimedAt ? ['target'] : []),
    ...(leaks(cell, figures) || failing ? ['alarming'] : []),
  ].join(' ');
}

/** Whether the cell is the one that answers for the cell which is looked at. */
function isTarget(looked: Cell | null, row: Row, cell: Cell): boolean {
  return (
    looked?.answers === 'fallback' &&
    looked.service === cell.service &&
    looked.lane === row.lane.metadata.name
  );
}

function all(items: readonly unknown[]): Extent {
  return { start: 0, end: items.length };
}

function within(index: number, length: number): number {
  return Math.max(0, Math.min(index, length - 1));
}

function clamped(index: number, { start, end }: Extent): number {
  return Math.max(start, Math.min(index, end - 1));
}
