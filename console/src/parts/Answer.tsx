/** What the API was asked for: the answer, or that it is on its way, or why there is none. */
import { Alert, Skeleton } from 'antd';
import type { ReactNode } from 'react';

import type { Asked } from './hooks';

interface Props<T> {
  asked: Asked<T>;
  children: (answer: T) => ReactNode;
}

export function Answer<T>({ asked, children }: Props<T>) {
  return (
    <>
      <div role="status">
        {asked.wrong !== '' && (
          <Alert type="warning" showIcon className="trouble" title={asked.wrong} />
        )}
      </div>
      {asked.answer !== null && children(asked.answer)}
      {asked.answer === null && asked.wrong === '' && <Skeleton active />}
    </>
  );
}
