/** A button that asks before it deletes an object. Objects that files declare are deleted there. */
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Written } from '../api/kinds';

interface Props {
  object: Written;
  small?: boolean;
  onClick: () => void;
}

export function Delete({ object, small = false, onClick }: Props) {
  const { t } = useTranslation();
  const { name } = object.metadata;
  const style = { type: small ? 'link' : 'default', size: small ? 'small' : 'middle' } as const;
  if (object.declaredBy !== undefined) {
    const reason = t('files.delete', { name });
    return (
      <span title={reason}>
        <Button danger disabled {...style} aria-label={`${t('actions.delete')}: ${reason}`}>
          {t('actions.delete')}
        </Button>
      </span>
    );
  }
  return (
    <Button danger {...style} aria-label={`${t('actions.delete')}: ${name}`} onClick={onClick}>
      {t('actions.delete')}
    </Button>
  );
}
