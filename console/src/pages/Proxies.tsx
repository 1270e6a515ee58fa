/** 代理: which proxies are connected and in sync, and what they rejected last. */
import { Checkbox, Empty, Input, Space, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { proxies, type Proxy } from '../api/reads';
import { concerned } from '../lanes/concerned';
import { Answer } from '../parts/Answer';
import { Heading } from '../parts/Heading';
import { useAsked } from '../parts/hooks';
import { ObjectTable } from '../parts/ObjectTable';

const EVERY = 3_000;

export function Proxies() {
  const { t } = useTranslation();
  const asked = useAsked(proxies, 'proxies', { every: EVERY });
  return (
    <>
      <Heading title={t('proxies.title')} />
      <Answer asked={asked}>{(found) => <List proxies={found} />}</Answer>
    </>
  );
}

function List({ proxies: all }: { proxies: Proxy[] }) {
  const { t } = useTranslation();
  const [search, setSearch] = useState('');
  const [troubled, setTroubled] = useState(false);
  if (all.length === 0) {
    return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('proxies.empty')} />;
  }
  const wanted = search.trim().toLowerCase();
  const shown = all.filter(
    (each) => each.spec.node.toLowerCase().includes(wanted) && !(troubled && isWell(each)),
  );
  const counts = {
    total: all.length,
    connected: all.filter(({ status }) => status.connected).length,
    synced: all.filter(({ status }) => status.synced).length,
  };
  return (
    <>
      <Space wrap className="filters">
        <Input
          aria-label={t('proxies.search')}
          placeholder={t('proxies.search')}
          value={search}
          onChange={({ target }) => setSearch(target.value)}
        />
        <Checkbox checked={troubled} onChange={({ target }) => setTroubled(target.checked)}>
          {t('proxies.onlyTroubled')}
        </Checkbox>
        <span>{t('proxies.counts', counts)}</span>
      </Space>
      {shown.length === 0 ? (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('proxies.noneFound')} />
      ) : (
        <ObjectTable<Proxy>
          label={t('proxies.title')}
          objects={shown}
          columns={[
            {
              title: t('proxies.name'),
              by: ({ spec }) => spec.node,
              cell: ({ spec }) => <bdi>{spec.node}</bdi>,
            },
            {
              title: t('proxies.connection'),
              by: ({ status }) => Number(status.connected),
              cell: ({ status }) => (
                <Tag color={status.connected ? 'success' : 'error'}>
                  {status.connected ? t('proxies.connected') : t('proxies.disconnected')}
                </Tag>
              ),
            },
            {
              title: t('proxies.sync'),
              by: ({ status }) => Number(status.synced),
              cell: (proxy) => <Sync proxy={proxy} />,
            },
            { title: t('proxies.rejection'), cell: (proxy) => <Rejection proxy={proxy} /> },
          ]}
        />
      )}
    </>
  );
}

function isWell({ status }: Proxy): boolean {
  return status.connected && status.synced && status.lastRejection === null;
}

function Sync({ proxy: { status } }: { proxy: Proxy }) {
  const { t } = useTranslation();
  if (status.synced) return <Tag color="success">{t('proxies.synced')}</Tag>;
  return (
    <Space wrap>
      {status.unacknowledged.map(({ type, pending, rejected }) => (
        <span key={type}>
          {pending.length > 0 && (
            <Tag color="processing" title={pending.join('\n')}>
              {t('proxies.pending', { type, count: pending.length })}
            </Tag>
          )}
          {rejected.length > 0 && (
            <Tag color="error" title={rejected.join('\n')}>
              {t('proxies.rejected', { type, count: rejected.length })}
            </Tag>
          )}
        </span>
      ))}
    </Space>
  );
}

function Rejection({ proxy: { spec, status } }: { proxy: Proxy }) {
  const { t } = useTranslation();
  if (status.lastRejection === null) return '–';
  const { type, resource, message } = status.lastRejection;
  const objects = concerned(resource, spec.node);
  return (
    <>
      <div>
        {type} <code>{resource}</code>
      </div>
      <div className="quoted">
        <bdi>{message}</bdi>
      </div>
      {objects.length > 0 && (
        <div className="secondary">
          {t('proxies.concerns', { names: objects.map((each) => `${each.kind} ${each.name}`).join(', ') })}
        </div>
      )}
    </>
  );
}
