/** What a page says that is about something which is not there. */
import { Button } from 'antd';

import { Heading } from './Heading';

interface Props {
  text: string;
  /** Where to go on, and what that is. */
  to: string;
  where: string;
}

export function Missing({ text, to, where }: Props) {
  return (
    <>
      <Heading title={text} />
      <Button href={to}>{where}</Button>
    </>
  );
}
