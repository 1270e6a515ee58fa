/** What the API was asked for: the answer, or that it is on its way, or why there is none. */
import { Alert, Button, Skeleton } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import type { Asked } from './hooks';
import { Told } from './Told';

interface Props<T> {
  asked: Asked<T>;
  children: (answer: T) => ReactNode;
}

export function Answer<T>({ asked, children }: Props<T>) {
  const { t } = useTranslation();
  return (
    <>
      <div role="status">
        {asked.wrong !== null && (
          <Alert
            type="warning"
            showIcon
            className="trouble"
            title={<Told of="problems" reason={asked.wrong.reason} text={asked.wrong.message} />}
            action={
              <Button size="small" loading={asked.asking} onClick={asked.again}>
                {t('actions.again')}
              </Button>
            }
          />
        )}
      </div>
      {asked.answer !== null && children(asked.answer)}
      {asked.answer === null && asked.wrong === null && <Skeleton active />}
    </>
  );
}
