/**
 * A table of objects. Not Ant Design's, which measures scroll bars by a style without a nonce, so
 * that the content security policy refuses it.
 */
import type { ReactNode } from 'react';

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
          {objects.map((object) => (
            <tr key={object.metadata.name}>
              {columns.map(({ title, cell }) => (
                <td key={title}>{cell(object)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
