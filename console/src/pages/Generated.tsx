/** 生成的配置: what each dialect makes of the declared objects, now or compared with a revision. */
import { Button, Checkbox, Collapse, Empty, Input, InputNumber, Segmented, Space, Typography } from 'antd';
import { useDeferredValue, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { isInCluster } from '../api/place';
import { rendering, type Dialect, type Rendering } from '../api/reads';
import { compared, contains, titled } from '../generated/documents';
import { yaml } from '../generated/yaml';
import { Answer } from '../parts/Answer';
import { DocumentList } from '../parts/DocumentList';
import { FindingList } from '../parts/FindingList';
import { Heading } from '../parts/Heading';
import { useAsked, useLatest, useServed } from '../parts/hooks';

/** Envoy's own configuration is that of one machine: in a cluster, istiod makes it. */
const IN_CLUSTERS: Dialect[] = ['istio', 'asm', 'gateway-api'];
const DIALECTS: Dialect[] = ['envoy', ...IN_CLUSTERS];

interface Both {
  now: Rendering;
  before: Rendering | null;
}

export function Generated() {
  const { t } = useTranslation();
  const inCluster = isInCluster();
  const hasRevisions = useServed('revisions');
  const [dialect, setDialect] = useState<Dialect>(inCluster ? 'istio' : 'envoy');
  const [revision, setRevision] = useState<number | null>(null);
  const both = async (): Promise<Both> => {
    const [now, before] = await Promise.all([
      rendering(dialect, null),
      revision === null ? null : rendering(dialect, revision),
    ]);
    return { now, before };
  };
  const asked = useAsked(both, `${dialect} ${revision}`, { latest: useLatest() });
  return (
    <>
      <Heading title={t('generated.title')} />
      <Typography.Paragraph type="secondary">{t('generated.intro')}</Typography.Paragraph>
      <Space wrap className="filters">
        <Segmented<Dialect>
          aria-label={t('generated.dialect')}
          value={dialect}
          onChange={setDialect}
          options={(inCluster ? IN_CLUSTERS : DIALECTS).map((value) => ({ value, label: t(`generated.dialects.${value}`) }))}
        />
        {hasRevisions && (
          <label>
            {t('generated.compare')}{' '}
            <InputNumber
              min={0}
              precision={0}
              value={revision}
              placeholder={t('generated.compareNone')}
              changeOnWheel={false}
              onChange={setRevision}
            />
          </label>
        )}
      </Space>
      <Answer asked={asked}>
        {(answer) => <Documents both={answer} dialect={dialect} revision={revision} />}
      </Answer>
    </>
  );
}

interface DocumentsProps {
  both: Both;
  dialect: Dialect;
  revision: number | null;
}

function Documents({ both: { now, before }, dialect, revision }: DocumentsProps) {
  const { t } = useTranslation();
  const [search, setSearch] = useState('');
  const [onlyChanged, setOnlyChanged] = useState(true);
  const wanted = useDeferredValue(search);
  const all = useMemo(() => {
    const documents = titled(now.documents);
    return compared(before === null ? documents : titled(before.documents), documents);
  }, [now, before]);
  const comparing = before !== null;
  const shown = all.filter(
    (each) => contains(each, wanted) && !(comparing && onlyChanged && each.change === 'same'),
  );
  if (all.length === 0) {
    return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('generated.empty')} />;
  }
  return (
    <>
      <Space wrap className="filters">
        <Input
          aria-label={t('generated.search')}
          placeholder={t('generated.search')}
          value={search}
          onChange={({ target }) => setSearch(target.value)}
        />
        {comparing && (
          <Checkbox checked={onlyChanged} onChange={({ target }) => setOnlyChanged(target.checked)}>
            {t('generated.onlyChanged')}
          </Checkbox>
        )}
        <Button onClick={() => download(now.documents, dialect)}>{t('generated.download')}</Button>
      </Space>
      {now.findings.length > 0 && (
        <Collapse
          className="dialect-findings"
          items={[
            {
              key: 'findings',
              label: `${t('generated.findings')} (${now.findings.length})`,
              children: <FindingList findings={now.findings} />,
            },
          ]}
        />
      )}
      {shown.length === 0 ? (
        <Empty
          image={Empty.PRESENTED_IMAGE_SIMPLE}
          description={
            comparing && search === ''
              ? t('generated.equal', { number: revision })
              : t('generated.noneFound')
          }
        />
      ) : (
        <DocumentList documents={shown} comparing={comparing} />
      )}
    </>
  );
}

/** As one file of YAML, which kubectl takes; Envoy's resources are for reading. */
function download(documents: readonly object[], dialect: Dialect): void {
  const text = documents.map((each) => yaml(each)).join('---\n');
  const url = URL.createObjectURL(new Blob([text], { type: 'application/yaml' }));
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = `laneway-${dialect}.yaml`;
  anchor.click();
  URL.revokeObjectURL(url);
}

