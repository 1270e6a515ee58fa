/** 分析结果: what is wrong with the declared objects, each with a request that shows it. */
import { Button, Empty, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import { analysis } from '../api/reads';
import { Answer } from '../parts/Answer';
import { FindingList } from '../parts/FindingList';
import { useAsked, useLatest } from '../parts/hooks';

export function Findings() {
  const { t } = useTranslation();
  const asked = useAsked(analysis, 'analysis', { latest: useLatest() });
  return (
    <>
      <div className="heading">
        <Typography.Title level={1}>{t('findings.title')}</Typography.Title>
        <Button loading={asked.asking} onClick={asked.again}>
          {asked.asking ? t('findings.working') : t('findings.again')}
        </Button>
      </div>
      <Answer asked={asked}>
        {(findings) =>
          findings.length === 0 ? (
            <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('findings.empty')} />
          ) : (
            <FindingList findings={findings} />
          )
        }
      </Answer>
    </>
  );
}
