/**
 * A modal dialog: the browser's own, which keeps the focus inside and closes by Escape. Not Ant
 * Design's, which measures scroll bars by a style that the content security policy refuses.
 */
import { Typography } from 'antd';
import { useEffect, useId, useRef, type ReactNode } from 'react';

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
}

export function Dialog({ title, onClose, children }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <Typography.Title level={2} id={id}>
        {title}
      </Typography.Title>
      {children}
    </dialog>
  );
}
