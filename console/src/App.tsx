/** The frame of every page: colours, language, who is signed in, and whether the data is live. */
import { App as AntApp, ConfigProvider, theme as themes } from 'antd';
import enUS from 'antd/locale/en_US';
import zhCN from 'antd/locale/zh_CN';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { LiveObjects } from './api/objects';
import { identity, type Identity } from './api/requests';
import { SignIn } from './pages/SignIn';
import { Frame } from './parts/Frame';
import { nobody, Objects, useRoute, useToken, Who } from './parts/hooks';
import { useColours } from './parts/colours';
import { Page } from './pages/Page';

const objects = new LiveObjects();

export function App({ nonce }: { nonce: string }) {
  const { t, i18n } = useTranslation();
  const colours = useColours();
  const route = useRoute();
  const token = useToken();
  const who = useIdentity(token);
  useEffect(() => {
    document.documentElement.lang = i18n.language;
    // Pages have titles of their own.
    if (token === null) document.title = `${t('signIn.title')} · ${t('title')}`;
  }, [i18n.language, t, token]);
  useEffect(() => {
    document.documentElement.dataset['theme'] = colours.dark ? 'dark' : 'light';
  }, [colours.dark]);
  const code = route.page === 'sign-in' ? route.code : '';
  return (
    <ConfigProvider
      csp={{ nonce }}
      locale={i18n.language === 'zh-CN' ? zhCN : enUS}
      theme={{
        algorithm: colours.dark ? themes.darkAlgorithm : themes.defaultAlgorithm,
        token: { motion: false, ...(colours.dark ? DARK : LIGHT) },
      }}
      wave={{ disabled: true }}
      // Names of buttons have what is seen: without a space between two Chinese letters.
      button={{ autoInsertSpace: false }}
    >
      <AntApp className="app">
        <Objects.Provider value={objects}>
          <Who.Provider value={who}>
            <Frame colours={colours} signedIn={token !== null}>
              {token === null || code !== '' ? <SignIn code={code} /> : <Page route={route} />}
            </Frame>
          </Who.Provider>
        </Objects.Provider>
      </AntApp>
    </ConfigProvider>
  );
}

// Ant Design's own colours have too little contrast for texts (WCAG 2.1, 1.4.3).
const LIGHT = {
  colorPrimary: '#0958d9',
  colorPrimaryHover: '#003eb3',
  colorLink: '#0958d9',
  colorInfo: '#0958d9',
  colorError: '#cf1322',
  colorSuccess: '#237804',
  colorSuccessBg: '#f6ffed',
  colorSuccessBorder: '#b7eb8f',
  colorWarning: '#ad4e00',
  colorWarningBg: '#fffbe6',
  colorWarningBorder: '#ffe58f',
  colorTextDescription: '#595959',
  colorTextTertiary: '#595959',
  colorTextPlaceholder: '#6b6b6b',
};
const DARK = {
  colorPrimaryHover: '#1554ad',
  colorLink: '#69b1ff',
  colorInfo: '#69b1ff',
  colorError: '#ff7875',
  colorTextDescription: '#a6a6a6',
  colorTextTertiary: '#a6a6a6',
  colorTextPlaceholder: '#9a9a9a',
};

const NOBODY: Identity = nobody();
const PAUSE = 2_000;

/** Asks again while the server is away: without an answer, nobody is offered anything. */
function useIdentity(token: string | null): Identity {
  const [known, setKnown] = useState<{ token: string; who: Identity } | null>(null);
  useEffect(() => {
    if (token === null) return;
    let outdated = false;
    let timer: ReturnType<typeof setTimeout>;
    const look = (): void => {
      identity().then(
        (who) => outdated || setKnown({ token, who }),
        () => {
          if (!outdated) timer = setTimeout(look, PAUSE);
        },
      );
    };
    look();
    return () => {
      outdated = true;
      clearTimeout(timer);
    };
  }, [token]);
  return known !== null && known.token === token ? known.who : NOBODY;
}
