/** A button that copies a text; it says so by a mark, and to screen readers by its name. */
import { Typography } from 'antd';

export function Copy({ text }: { text: string }) {
  // Ant Design's tooltips have styles that the content security policy refuses.
  return <Typography.Text className="copy" copyable={{ text, tooltips: false }} />;
}
