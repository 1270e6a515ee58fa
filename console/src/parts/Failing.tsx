/**
 * Keeps the frame where a page cannot be shown: for instance because the server has another version
 * of the console by now, without the part that the page is loaded from.
 */
import { Button, Result } from 'antd';
import { Component, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

interface Props {
  children: ReactNode;
}

export class Failing extends Component<Props, { error: unknown }> {
  override state = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    return this.state.error === null ? this.props.children : <Failed error={this.state.error} />;
  }
}

function Failed({ error }: { error: unknown }) {
  const { t } = useTranslation();
  return (
    <Result
      status="warning"
      title={t('failed.title')}
      subTitle={String(error)}
      extra={
        <Button type="primary" onClick={() => window.location.reload()}>
          {t('failed.reload')}
        </Button>
      }
    />
  );
}
