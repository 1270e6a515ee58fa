/** A button that deletes an object, once the user has confirmed it. */
import { App, Button, Popconfirm } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Written } from '../api/kinds';
import { Refused, remove } from '../api/requests';

interface Props {
  object: Written;
  question: string;
  small?: boolean;
  onDeleted?: () => void;
}

export function Delete({ object, question, small = false, onDeleted }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const attempt = useAttempt();
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
    <Popconfirm
      title={question}
      okText={t('actions.delete')}
      cancelText={t('actions.cancel')}
      okButtonProps={{ danger: true }}
      onConfirm={() =>
        attempt(async () => {
          await remove(object);
          void message.success(t('deleted', { name }));
          onDeleted?.();
        })
      }
    >
      <Button danger {...style}>
        {t('actions.delete')}
      </Button>
    </Popconfirm>
  );
}

/** Does what a button says; where it fails, the user learns why. */
function useAttempt(): (action: () => Promise<void>) => Promise<void> {
  const { t } = useTranslation();
  const { message } = App.useApp();
  return async (action) => {
    try {
      await action();
    } catch (error) {
      void message.error(error instanceof Refused ? error.message : t('unreachable'), 8);
    }
  };
}
