/** Which requests take another path, each kind with an example. */
import { ArrowRightOutlined } from '@ant-design/icons';
import { Tag, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Changes } from '../api/reviews';
import { toldPath } from '../lanes/toldPaths';
import { WHOLE } from '../lanes/weights';
import { Copy } from './Copy';
import { usePercents } from './words';

export function ChangedPaths({ changes }: { changes: Changes }) {
  const { t } = useTranslation();
  const percents = usePercents();
  const { changedPaths: paths, changedPathsTotal: count = 0 } = changes;
  if (paths === undefined) {
    return <Typography.Paragraph>{t('preview.notKnown')}</Typography.Paragraph>;
  }
  if (count === 0) return <Typography.Paragraph>{t('preview.none')}</Typography.Paragraph>;
  return (
    <>
      <Typography.Paragraph>{t('preview.paths', { count })}</Typography.Paragraph>
      <ul className="changed-paths">
        {paths.map((path, index) => (
          <li key={index}>
            <code>{path.curl}</code> <Copy text={path.curl} />{' '}
            {path.percentage < 100 && (
              <Tag>{t('preview.share', { share: percents.format(path.percentage / WHOLE) })}</Tag>
            )}
            <dl>
              <dt>{t('preview.before')}</dt>
              <dd>
                <ToldPath text={path.before} />
              </dd>
              <dt>{t('preview.after')}</dt>
              <dd>
                <ToldPath text={path.after} />
              </dd>
            </dl>
          </li>
        ))}
      </ul>
      {paths.length < count && (
        <Typography.Text type="secondary">
          {t('preview.more', { count: paths.length })}
        </Typography.Text>
      )}
    </>
  );
}

function ToldPath({ text }: { text: string }) {
  const { t } = useTranslation();
  const { hops, end, byWeight } = toldPath(text);
  return (
    <>
      {hops.map(({ service, lane, insteadOf }, index) => (
        <span key={index} className="told-hop">
          {index > 0 && <ArrowRightOutlined aria-hidden />} {service}{' '}
          <Tag color={insteadOf === null ? 'default' : 'warning'}>
            {lane === null
              ? t('preview.noLane')
              : insteadOf === null
                ? lane
                : t('preview.instead', { lane, other: insteadOf })}
          </Tag>
        </span>
      ))}
      {end} {byWeight && <Typography.Text type="secondary">{t('preview.byWeight')}</Typography.Text>}
    </>
  );
}
