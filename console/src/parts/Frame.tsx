/** The header of every page. */
import { Alert, Badge, Button, Select, Space } from 'antd';
import { useContext, useEffect, useLayoutEffect, useRef, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { signOut } from '../api/requests';
import { isServed } from '../lanes/rights';
import { groupsLink, link, neededBy, PLACES, type Place, type Route } from '../routes';
import { choose, type Language } from '../texts/texts';
import type { Choice, Colours } from './colours';
import { useObjects, useRoute, Who } from './hooks';

interface Props {
  colours: Colours;
  signedIn: boolean;
  children: ReactNode;
}

export function Frame({ colours, signedIn, children }: Props) {
  const { t, i18n } = useTranslation();
  useTop();
  return (
    <>
      <a className="skip" href="#content" onClick={toContent}>
        {t('skip')}
      </a>
      <header>
        <a className="brand" href={groupsLink}>
          <strong>laneway</strong> <span>{t('title')}</span>
        </a>
        {signedIn && <Menu />}
        <Space wrap className="settings">
          {signedIn && <ConnectionBadge />}
          <Select<Language>
            size="small"
            aria-label={t('language')}
            value={i18n.language as Language}
            onChange={choose}
            options={[
              { value: 'en', label: 'English' },
              { value: 'zh-CN', label: '中文' },
            ]}
          />
          <Select<Choice>
            size="small"
            aria-label={t('theme.label')}
            value={colours.choice}
            onChange={colours.choose}
            options={(['system', 'light', 'dark'] as const).map((value) => ({
              value,
              label: t(`theme.${value}`),
            }))}
          />
          {signedIn && <SignOut />}
        </Space>
      </header>
      <main id="content" tabIndex={-1}>
        {signedIn && <Lost />}
        {children}
      </main>
    </>
  );
}

function Menu() {
  const { t } = useTranslation();
  const { page } = useRoute();
  const nav = useRef<HTMLElement>(null);
  // On a narrow screen the menu is longer than what is seen of it.
  useEffect(() => {
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }, [page]);
  const who = useContext(Who);
  const shows = (place: Place): boolean => {
    const resource = neededBy({ page: place });
    return resource === null || isServed(who, resource);
  };
  const entries = [
    { name: t('groups.title'), to: groupsLink, here: OF_GROUPS.has(page) },
    ...PLACES.filter((place) => shows(place)).map((place) => ({
      name: t(`${place}.title`),
      to: link(place),
      here: page === place || (place === 'history' && page === 'revision'),
    })),
  ];
  return (
    <nav aria-label={t('menu')} ref={nav}>
      {entries.map(({ name, to, here }) => (
        <a key={to} href={to} {...(here ? { 'aria-current': 'page' } : {})}>
          {name}
        </a>
      ))}
    </nav>
  );
}

const OF_GROUPS: ReadonlySet<string> = new Set<Route['page']>([
  ...(['groups', 'new-group', 'group', 'edit-group'] as const),
  ...(['new-lane', 'edit-lane', 'rules', 'weights'] as const),
]);

/** A page that a link leads to is seen, and read, from its beginning. */
function useTop(): void {
  const route = useRoute();
  const place = JSON.stringify(route);
  const before = useRef(place);
  // Before the page is seen: what somebody presses must not move.
  useLayoutEffect(() => {
    if (before.current === place) return;
    before.current = place;
    window.scrollTo(0, 0);
    document.getElementById('content')?.focus({ preventScroll: true });
  }, [place]);
}

/** The fragment is the route, so the link must not change it. */
function toContent(event: React.MouseEvent): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

function ConnectionBadge() {
  const { t } = useTranslation();
  const { connection } = useObjects();
  const status = { live: 'success', connecting: 'processing', lost: 'error' } as const;
  const text = connection === 'live' ? t('connection.live') : t('connection.connecting');
  return <Badge status={status[connection]} text={text} />;
}

function Lost() {
  const { t } = useTranslation();
  const { connection, refusal } = useObjects();
  return (
    <div role="status" className={refusal === '' ? 'lost' : undefined}>
      {connection === 'lost' && (
        <Alert
          type="warning"
          showIcon
          banner
          title={refusal === '' ? t('connection.lost') : t('connection.refused', { refusal })}
        />
      )}
    </div>
  );
}

function SignOut() {
  const { t } = useTranslation();
  const { name } = useContext(Who);
  return (
    <Button size="small" onClick={() => void signOut()} title={name}>
      {t('signIn.out')}
    </Button>
  );
}
