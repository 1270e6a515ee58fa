/** What is to be changed in files that declare an object: the console writes nothing there. */
import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';

import { yaml } from '../generated/yaml';
import { Copy } from './Copy';

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
        <>
          <pre className="to-commit">{text}</pre>
          <Copy text={text} />
        </>
      }
    />
  );
}
