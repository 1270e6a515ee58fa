/**
 * A table of objects. Not Ant Design's, which measures scroll bars by a style without a nonce, so
 * that the content security policy refuses it.
 */
import { Button } from 'antd';
import { memo, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

/** Rows that are shown at first. */
const ROWS = 50;

export interface Column<T> {
  title: string;
  cell: (object: T) => ReactNode;
}

interface Props<T extends { metadata: { name: string } }> {
  label: string;
  objects: readonly T[];
  columns: readonly Column<T>[];
}

export function ObjectTable<T extends { metadata: { name: string } }>(props: Props<T>) {
  const { label, objects, columns } = props;
  const { t } = useTranslation();
  const [most, setMost] = useState(ROWS);
  return (
    <div className="objects">
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map(({ title }) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {objects.slice(0, most).map((object) => (
            <Row key={object.metadata.name} object={object} columns={columns as Columns} />
          ))}
        </tbody>
      </table>
      {objects.length > most && (
        <Button type="link" onClick={() => setMost(most + ROWS)}>
          {t('more', { count: objects.length - most })}
        </Button>
      )}
    </div>
  );
}

type Columns = readonly Column<unknown>[];

/** Drawn again only for another object, or by other columns: these are worth keeping in a memo. */
const Row = memo(function Row({ object, columns }: { object: unknown; columns: Columns }) {
  return (
    <tr>
      {columns.map(({ title, cell }) => (
        <td key={title}>{cell(object)}</td>
      ))}
    </tr>
  );
});
