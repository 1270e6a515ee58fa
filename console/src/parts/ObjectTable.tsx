/**
 * A table of objects. Not Ant Design's, which measures scroll bars by a style without a nonce, so
 * that the content security policy refuses it. On a narrow screen each row is a card: the roles are
 * written out, as browsers forget those of a table that is laid out otherwise.
 */
import { Button, Empty, Input } from 'antd';
import { memo, useMemo, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { arranged, type Order, type Sortable } from './arranged';

/** Rows that are shown at first. */
const ROWS = 50;
/** So many are looked over at a glance. */
const GLANCE = 8;

export interface Column<T> {
  title: string;
  cell: (object: T) => ReactNode;
  /** What the rows can be sorted by; without it, they cannot. */
  by?: (object: T) => Sortable;
  isNumber?: boolean;
}

interface Props<T extends { metadata: { name: string } }> {
  label: string;
  objects: readonly T[];
  columns: readonly Column<T>[];
  /** The text of an object that can be searched; without it, nothing can. */
  text?: (object: T) => string;
}

export function ObjectTable<T extends { metadata: { name: string } }>(props: Props<T>) {
  const { label, objects, columns, text } = props;
  const { t, i18n } = useTranslation();
  const [most, setMost] = useState(ROWS);
  const [search, setSearch] = useState('');
  const [order, setOrder] = useState<Order | null>(null);
  const by = columns.find(({ title }) => title === order?.title)?.by;
  const wanted = search.trim().toLowerCase();
  const shown = useMemo(() => {
    const found =
      wanted === '' || text === undefined
        ? objects
        : objects.filter((each) => text(each).toLowerCase().includes(wanted));
    return by && order ? arranged(found, by, order, i18n.language) : found;
    // `by` and `text` are made anew with each drawing, and say the same.
  }, [objects, wanted, order, i18n.language]);
  return (
    <>
      {text !== undefined && objects.length > GLANCE && (
        <div className="filters">
          <Input
            allowClear
            aria-label={`${t('table.search')}: ${label}`}
            placeholder={t('table.search')}
            value={search}
            onChange={({ target }) => setSearch(target.value)}
          />
        </div>
      )}
      <div className="objects">
        <table role="table" aria-label={label}>
          <thead role="rowgroup">
            <tr role="row">
              {columns.map((column) => (
                <Head
                  key={column.title}
                  column={column as Column<unknown>}
                  order={order?.title === column.title ? order : null}
                  onOrder={setOrder}
                />
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {shown.slice(0, most).map((object) => (
              <Row key={object.metadata.name} object={object} columns={columns as Columns} />
            ))}
          </tbody>
        </table>
        {shown.length === 0 && (
          <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('table.noneFound')} />
        )}
        {shown.length > most && (
          <Button type="link" onClick={() => setMost(most + ROWS)}>
            {t('more', { count: shown.length - most })}
          </Button>
        )}
      </div>
    </>
  );
}

interface HeadProps {
  column: Column<unknown>;
  /** null where the rows are not sorted by this column. */
  order: Order | null;
  onOrder: (order: Order | null) => void;
}

/** Each press sorts once more: upwards, downwards, and not at all. */
function Head({ column: { title, by, isNumber = false }, order, onOrder }: HeadProps) {
  const next = order === null ? { title, isDescending: false } : { title, isDescending: true };
  const sorted = order === null ? 'none' : order.isDescending ? 'descending' : 'ascending';
  return (
    <th
      scope="col"
      role="columnheader"
      className={isNumber ? 'number' : undefined}
      aria-sort={by === undefined ? undefined : sorted}
    >
      {by === undefined ? (
        title
      ) : (
        <button
          type="button"
          className="sort"
          onClick={() => onOrder(order?.isDescending ? null : next)}
        >
          {title} <span aria-hidden>{MARKS[sorted]}</span>
        </button>
      )}
    </th>
  );
}

const MARKS = { none: '↕', ascending: '↑', descending: '↓' } as const;

type Columns = readonly Column<unknown>[];

/** Drawn again only for another object, or by other columns: these are worth keeping in a memo. */
const Row = memo(function Row({ object, columns }: { object: unknown; columns: Columns }) {
  return (
    <tr role="row">
      {columns.map(({ title, cell, isNumber = false }) => (
        <td key={title} role="cell" data-label={title} className={isNumber ? 'number' : undefined}>
          <div>{cell(object)}</div>
        </td>
      ))}
    </tr>
  );
});
