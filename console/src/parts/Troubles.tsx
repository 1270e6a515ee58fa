/**
 * What is wrong with a lane group and its lanes: one line, which is always there, so that what stands
 * below it does not move when something goes wrong. Whoever opens it sees all of it.
 */
import { CheckCircleOutlined, ExclamationCircleOutlined } from '@ant-design/icons';
import { useTranslation } from 'react-i18next';

import type { Condition, Lane, LaneGroup } from '../api/kinds';
import { troubles } from '../lanes/lanes';
import { Told } from './Told';
import { heading } from './words';

interface Trouble extends Condition {
  object: Lane | LaneGroup;
}

export function Troubles({ objects }: { objects: readonly (Lane | LaneGroup)[] }) {
  const { t, i18n } = useTranslation();
  const found = objects.flatMap((object) =>
    troubles(object).map((each): Trouble => ({ ...each, object })),
  );
  const [first] = found;
  const name = ({ object }: Trouble): string =>
    t(`troubles.of${object.kind}`, { name: object.metadata.name });
  if (first === undefined) {
    return (
      <p className="troubles none" role="status">
        <CheckCircleOutlined aria-hidden /> {t('troubles.none')}
      </p>
    );
  }
  const [line = ''] = (heading(i18n, 'conditions', first.reason) || first.message).split('\n');
  return (
    <details className="troubles">
      <summary>
        <ExclamationCircleOutlined aria-hidden />{' '}
        <span role="status">
          {found.length > 1 && `${t('troubles.count', { count: found.length })} `}
          <bdi>{name(first)}</bdi>
          {line}
        </span>
      </summary>
      <ul tabIndex={0} aria-label={t('group.troubles')}>
        {found.map((each) => (
          <li key={`${each.object.kind} ${each.object.metadata.name} ${each.type}`}>
            <bdi>{name(each)}</bdi>
            <Told of="conditions" reason={each.reason} text={each.message} />
          </li>
        ))}
      </ul>
    </details>
  );
}
