/** Starts i18next: the browser's language at first, then what the user chose. */
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';

import { en } from './en';
import { zhPhrases } from './phrases';
import { zhReasons } from './reasons';
import { zh } from './zh';

export type Language = 'en' | 'zh-CN';

const KEY = 'laneway.language';

export function preferred(): Language {
  const chosen = localStorage.getItem(KEY) ?? navigator.language;
  return chosen.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}

export function choose(language: Language): void {
  localStorage.setItem(KEY, language);
  void i18next.changeLanguage(language);
}

export async function start(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: preferred(),
    fallbackLng: 'en',
    resources: {
      en: { translation: en },
      'zh-CN': { translation: { ...zh, phrases: zhPhrases, reasons: zhReasons } },
    },
    // React escapes what it shows.
    interpolation: { escapeValue: false },
    initAsync: false,
  });
}
