/** Light or dark: as the system says, or as the user chose. */
import { useEffect, useState } from 'react';

export type Choice = 'system' | 'light' | 'dark';

export interface Colours {
  choice: Choice;
  dark: boolean;
  choose: (choice: Choice) => void;
}

const KEY = 'laneway.colours';

export function useColours(): Colours {
  const [choice, setChoice] = useState<Choice>(
    () => (localStorage.getItem(KEY) as Choice | null) ?? 'system',
  );
  const [systemDark, setSystemDark] = useState(() => query().matches);
  useEffect(() => {
    const media = query();
    const changed = (): void => setSystemDark(media.matches);
    media.addEventListener('change', changed);
    return () => media.removeEventListener('change', changed);
  }, []);
  const dark = choice === 'system' ? systemDark : choice === 'dark';
  const choose = (next: Choice): void => {
    localStorage.setItem(KEY, next);
    setChoice(next);
  };
  return { choice, dark, choose };
}

function query(): MediaQueryList {
  return window.matchMedia('(prefers-color-scheme: dark)');
}
