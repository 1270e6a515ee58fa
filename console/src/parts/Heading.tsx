/** A page's heading, which is its title in the browser's tab, too, and the way back up. */
import { Typography } from 'antd';
import { useEffect, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

export interface Place {
  name: string;
  to: string;
}

interface Props {
  title: string;
  /** Beside the title. */
  status?: ReactNode;
  /** The pages above this one. */
  trail?: readonly Place[];
  /** What can be done here. */
  children?: ReactNode;
}

export function Heading({ title, status, trail = [], children }: Props) {
  const { t } = useTranslation();
  const above = trail.map(({ name }) => name).reverse();
  const tab = [title, ...above, 'laneway'].join(' · ');
  useEffect(() => {
    document.title = tab;
  }, [tab]);
  return (
    <>
      {trail.length > 0 && (
        <nav className="trail" aria-label={t('trail')}>
          {trail.map(({ name, to }) => (
            <span key={to}>
              <a href={to}>
                <bdi>{name}</bdi>
              </a>{' '}
              <span aria-hidden>/</span>{' '}
            </span>
          ))}
        </nav>
      )}
      <div className="heading">
        <Typography.Title level={1}>
          <bdi>{title}</bdi> {status}
        </Typography.Title>
        {children}
      </div>
    </>
  );
}
