/**
 * Chooses services by two lists, as the transfer of ASM's console does. Not Ant Design's, whose
 * check boxes have no names for a screen reader.
 */
import { LeftOutlined, RightOutlined } from '@ant-design/icons';
import { Button, Checkbox, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { shown } from '../lanes/references';

interface Props {
  /** `namespace/name`. */
  services: readonly string[];
  chosen: string[];
  disabled: boolean;
  onChange: (chosen: string[]) => void;
}

export function ServicesTransfer({ services, chosen, disabled, onChange }: Props) {
  const { t } = useTranslation();
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const left = services.filter((each) => !chosen.includes(each));
  const move = (moved: readonly string[], next: string[]): void => {
    setTicked(new Set([...ticked].filter((each) => !moved.includes(each))));
    onChange(next);
  };
  const toAdd = left.filter((each) => ticked.has(each));
  const toRemove = chosen.filter((each) => ticked.has(each));
  const list = { ticked, disabled, onTick: setTicked };
  return (
    <div className="transfer">
      <List {...list} title={t('group.available')} services={left} />
      <div className="moves">
        <Button
          size="small"
          type="primary"
          icon={<RightOutlined aria-hidden />}
          aria-label={`${t('actions.add')} (${toAdd.length})`}
          disabled={disabled || toAdd.length === 0}
          onClick={() => move(toAdd, [...chosen, ...toAdd])}
        />
        <Button
          size="small"
          icon={<LeftOutlined aria-hidden />}
          aria-label={`${t('actions.remove')} (${toRemove.length})`}
          disabled={disabled || toRemove.length === 0}
          onClick={() =>
            move(
              toRemove,
              chosen.filter((each) => !toRemove.includes(each)),
            )
          }
        />
      </div>
      <List {...list} title={t('group.chosen')} services={chosen} />
    </div>
  );
}

interface ListProps {
  title: string;
  services: readonly string[];
  ticked: ReadonlySet<string>;
  disabled: boolean;
  onTick: (ticked: ReadonlySet<string>) => void;
}

function List({ title, services, ticked, disabled, onTick }: ListProps) {
  const { t } = useTranslation();
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const found = services.filter((each) => shown(each).toLowerCase().includes(wanted));
  const all = found.length > 0 && found.every((each) => ticked.has(each));
  const some = found.some((each) => ticked.has(each));
  const tick = (which: readonly string[], on: boolean): void => {
    const rest = [...ticked].filter((each) => !which.includes(each));
    onTick(new Set(on ? [...rest, ...which] : rest));
  };
  return (
    <div role="group" aria-label={title}>
      <Checkbox
        className="all"
        checked={all}
        indeterminate={some && !all}
        disabled={disabled || found.length === 0}
        onChange={({ target }) => tick(found, target.checked)}
      >
        {title} ({services.length})
      </Checkbox>
      <Input
        size="small"
        aria-label={`${t('group.search')}: ${title}`}
        placeholder={t('group.search')}
        value={search}
        onChange={({ target }) => setSearch(target.value)}
      />
      <ul>
        {found.map((each) => (
          <li key={each}>
            <Checkbox
              checked={ticked.has(each)}
              disabled={disabled}
              onChange={({ target }) => tick([each], target.checked)}
            >
              {shown(each)}
            </Checkbox>
          </li>
        ))}
      </ul>
    </div>
  );
}
