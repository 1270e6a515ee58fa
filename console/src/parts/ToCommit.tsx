/** What is to be changed in files that declare an object: the console writes nothing there. */
import { Alert, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import { yaml } from '../generated/yaml';

export function ToCommit({ documents }: { documents: readonly object[] }) {
  const { t } = useTranslation();
  const text = documents.map((each) => yaml(each)).join('---\n');
  return (
    <Alert
      type="info"
      showIcon
      className="trouble"
      title={t('files.commit')}
      description={
        <Typography.Paragraph copyable={{ text, tooltips: false }} className="to-commit">
          <pre>{text}</pre>
        </Typography.Paragraph>
      }
    />
  );
}
