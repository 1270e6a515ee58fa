/** One cell of the lane map: what it shows, how it stands out, and the sentence that it is read as. */
import type { TFunction } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';

import type { Cell } from '../lanes/laneMap';
import { shown } from '../lanes/references';
import type { Figures } from '../traffic/figures';
import { useNumbers } from './words';

/** A lane's requests that another lane answers, although the lane could. */
export function leaks({ answers, own }: Cell, figures: Figures | undefined): boolean {
  return answers === 'own' && own?.ready !== 0 && (figures?.fallbacksPerSecond ?? 0) > 0;
}

export function health({ own, answers }: Cell): string {
  if (answers === 'nowhere') return 'bad';
  if (own === null) return '';
  return own.ready === 0 ? 'bad' : own.ready < own.total ? 'doubtful' : 'good';
}

/** What cells need of the language. It is looked up once for all of them, as there are many. */
export interface Words {
  t: TFunction;
  numbers: Intl.NumberFormat;
}

export function useWords(): Words {
  const { t } = useTranslation();
  const numbers = useNumbers();
  return useMemo(() => ({ t, numbers }), [t, numbers]);
}

interface Props {
  cell: Cell;
  figures: Figures | undefined;
  words: Words;
}

export function CellText({ cell, figures, words }: Props) {
  const { t } = words;
  const count = (each: { ready: number; total: number }): string => t('map.ready', each);
  return (
    <>
      {cell.answers === 'own' && (cell.count ? count(cell.count) : '…')}
      {cell.answers === 'nowhere' && (
        <>
          {cell.own && <div>{count(cell.own)}</div>}
          <span aria-hidden>⊘</span> {t('map.nobody')}
        </>
      )}
      {cell.answers === 'fallback' && (
        <>
          {cell.own && <div>{count(cell.own)}</div>}
          <span aria-hidden>→</span> <bdi>{cell.lane}</bdi>
        </>
      )}
      {figures && figures.perSecond > 0 && <Rates cell={cell} figures={figures} words={words} />}
    </>
  );
}

function Rates({ cell, figures, words }: Props & { figures: Figures }) {
  const { t, numbers } = words;
  const { perSecond, errorsPerSecond, fallbacksPerSecond } = figures;
  return (
    <div className="rates">
      {t('map.perSecond', { rate: numbers.format(perSecond) })}
      {errorsPerSecond > 0 && (
        <span className="troubled">
          <span aria-hidden>⚠</span>{' '}
          {t('map.errorsPerSecond', { rate: numbers.format(errorsPerSecond) })}
        </span>
      )}
      {fallbacksPerSecond > 0 && (
        <span className="troubled">
          {t(leaks(cell, figures) ? 'map.leak' : 'map.fallingBack', {
            rate: numbers.format(fallbacksPerSecond),
          })}
        </span>
      )}
    </div>
  );
}

/** What a screen reader says of a cell. */
export function sentence(
  { t, numbers }: Words,
  lane: string,
  cell: Cell,
  figures: Figures | undefined,
): string {
  const rate = (text: 'requests' | 'errors' | 'leak' | 'fallingBack', value = 0) =>
    value > 0 ? [t(`map.words.${text}`, { rate: numbers.format(value) })] : [];
  const fallback = leaks(cell, figures) ? 'leak' : 'fallingBack';
  return [
    answering(t, lane, cell),
    ...rate('requests', figures?.perSecond),
    ...rate('errors', figures?.errorsPerSecond),
    ...rate(fallback, figures?.fallbacksPerSecond),
  ].join(t('comma'));
}

function answering(t: TFunction, lane: string, cell: Cell): string {
  const names = {
    lane,
    service: shown(cell.service),
    target: cell.lane,
    ready: cell.count?.ready,
    total: cell.count?.total,
    own: cell.own?.total,
  };
  if (cell.answers === 'nowhere') return t('map.nowhere', names);
  if (cell.answers === 'own') return cell.count ? t('map.own', names) : t('map.ownUnknown', names);
  if (cell.count === null) return t('map.fallbackUnknown', names);
  return cell.own === null ? t('map.fallback', names) : t('map.fallbackDown', names);
}
